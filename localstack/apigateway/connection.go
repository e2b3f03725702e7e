package apigateway

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

const (
	// closeGrace is how long a client has to read its queue and to answer the close
	// frame. After that its socket is closed.
	closeGrace = time.Second
	// writeTimeout is how long a write may wait for a client that does not read.
	writeTimeout = time.Minute
	// messageOverhead is added to the size of each queued message, in bytes.
	messageOverhead = 64
)

// ending is how a connection ended, as its close frame and $disconnect say.
type ending struct {
	code   ws.StatusCode
	reason string
}

// The endings that the client did not choose.
var (
	goingAway = ending{ws.StatusGoingAway, "Going away"}
	deleted   = ending{ws.StatusNormalClosure, "Connection Closed Normally"}
	abnormal  = ending{ws.StatusAbnormalClosure, "Connection closed abnormally"}
)

// connection is one client's socket: a reader, a writer with a bounded queue, and the
// invocations in progress. The first call of close decides the ending.
type connection struct {
	id      string
	gateway *Gateway
	client  client

	lastActive  atomic.Int64 // epoch ms by Config.Now, for GET
	lastData    atomic.Int64 // time.Since(started), for the idle timeout
	started     time.Time
	invocations sync.WaitGroup
	slots       chan struct{} // one per invocation in progress
	closing     chan struct{} // closed with the first close
	readerDone  chan struct{}
	wake        chan struct{} // something was queued

	mu     sync.Mutex
	socket net.Conn // nil until the handshake is done
	queue  [][]byte
	queued int    // bytes in queue or being written
	full   int    // messages that were refused since the queue was full
	pong   []byte // the reply to the newest ping, still to be sent; nil if none
	ended  *ending
}

type sendResult int

const (
	sent sendResult = iota
	sendFull
	sendGone
)

func newConnection(g *Gateway, client client) *connection {
	c := &connection{
		id:         client.connectionID,
		gateway:    g,
		client:     client,
		started:    time.Now(),
		slots:      make(chan struct{}, g.config.MaxInFlight),
		closing:    make(chan struct{}),
		readerDone: make(chan struct{}),
		wake:       make(chan struct{}, 1),
	}
	c.active()
	return c
}

// serve runs the connection until its socket is closed, and returns how it ended.
// Invocations may still be in progress.
func (c *connection) serve(socket net.Conn, buffers *bufio.ReadWriter) ending {
	if tcp, ok := socket.(*net.TCPConn); ok {
		// Small, so that posts to a client that does not read fail with 429 before
		// megabytes wait in the kernel.
		_ = tcp.SetWriteBuffer(64 << 10)
	}
	c.mu.Lock()
	c.socket = socket
	if c.ended != nil { // closed during the handshake
		_ = socket.SetWriteDeadline(time.Now().Add(closeGrace))
	}
	c.mu.Unlock()

	var writer sync.WaitGroup
	writer.Go(func() { c.write(buffers.Writer) })
	c.read(buffers.Reader)
	close(c.readerDone)
	writer.Wait()
	if c.full > 0 {
		c.gateway.log.Warn("apigateway: a client did not read", "connection", c.id, "refused", c.full)
	}
	return *c.ended
}

// send queues a text message. It does not wait for the client.
func (c *connection) send(data []byte) sendResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return sendGone
	}
	// An empty queue accepts a message of any size.
	size := len(data) + messageOverhead
	if c.queued > 0 && c.queued+size > c.gateway.config.SendBuffer {
		c.full++
		return sendFull
	}
	c.queue = append(c.queue, data)
	c.queued += size
	c.signal()
	return sent
}

// close ends the connection: the writer sends the rest of the queue and a close frame.
// From now on @connections does not know it. Only the first ending counts.
func (c *connection) close(e ending) {
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return
	}
	c.ended = &e
	close(c.closing)
	if c.socket != nil { // for a writer that is blocked by a client that does not read
		_ = c.socket.SetWriteDeadline(time.Now().Add(closeGrace))
	}
	c.mu.Unlock()
	c.gateway.unregister(c)
}

// abort closes the socket without a close frame, which ends reader and writer at once.
func (c *connection) abort() {
	c.close(abnormal)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket != nil {
		_ = c.socket.Close()
	}
}

// active records that data was sent or received.
func (c *connection) active() {
	c.lastActive.Store(c.gateway.config.Now().UnixMilli())
	c.lastData.Store(int64(time.Since(c.started)))
}

func (c *connection) observe(direction Direction, payload []byte) {
	c.gateway.config.Observe(Frame{
		ConnectionID: c.id,
		Direction:    direction,
		Time:         c.gateway.config.Now(),
		Payload:      payload,
		Authorizer:   c.client.authorizer,
	})
}

func (c *connection) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

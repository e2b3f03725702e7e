package apigateway

import (
	"bufio"
	"time"

	"github.com/gobwas/ws"
)

// write is the connection's only writer. It returns when the socket is closed.
func (c *connection) write(w *bufio.Writer) {
	defer c.abort()
	idle := time.NewTimer(c.gateway.config.IdleTimeout)
	defer idle.Stop()
	oldest := time.NewTimer(maxDuration)
	defer oldest.Stop()
	for {
		if err := c.flush(w); err != nil {
			c.close(abnormal)
			return
		}
		select {
		case <-c.wake:
		case <-idle.C:
			quiet := time.Since(c.started) - time.Duration(c.lastData.Load())
			if left := c.gateway.config.IdleTimeout - quiet; left > 0 {
				idle.Reset(left)
			} else {
				c.close(goingAway)
			}
		case <-oldest.C:
			c.close(goingAway)
		case <-c.closing:
			c.closeHandshake(w)
			return
		}
	}
}

// closeHandshake sends the rest of the queue and the close frame, and waits for the
// client's close frame: closing the socket earlier could lose data that is in transit.
func (c *connection) closeHandshake(w *bufio.Writer) {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	if c.flush(w) != nil {
		return
	}
	if c.ended.code == ws.StatusAbnormalClosure {
		return
	}
	var body []byte
	if c.ended.code != ws.StatusNoStatusRcvd {
		body = ws.NewCloseFrameBody(c.ended.code, c.ended.reason)
	}
	if ws.WriteFrame(w, ws.NewCloseFrame(body)) != nil || w.Flush() != nil {
		return
	}
	select {
	case <-c.readerDone:
	case <-grace.C:
	}
}

// flush writes the queue.
func (c *connection) flush(w *bufio.Writer) error {
	for {
		batch, pong := c.take()
		if len(batch) == 0 && pong == nil {
			return nil
		}
		if pong != nil {
			if err := ws.WriteFrame(w, ws.NewPongFrame(pong)); err != nil {
				return err
			}
		}
		size := 0
		for _, message := range batch {
			c.observe(Out, message)
			if err := writeMessage(w, message); err != nil {
				return err
			}
			size += len(message) + messageOverhead
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if len(batch) > 0 {
			c.active()
		}
		c.mu.Lock()
		c.queued -= size
		c.mu.Unlock()
	}
}

// take empties the queue, and sets the deadline for writing it.
func (c *connection) take() (batch [][]byte, pong []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, c.queue = c.queue, nil
	pong, c.pong = c.pong, nil
	if c.ended == nil && (len(batch) > 0 || pong != nil) {
		_ = c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	return batch, pong
}

// writeMessage writes a text message in frames of at most MaxFrame bytes.
func writeMessage(w *bufio.Writer, data []byte) error {
	op := ws.OpText
	for {
		n := min(len(data), MaxFrame)
		if err := ws.WriteFrame(w, ws.NewFrame(op, n == len(data), data[:n])); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
		op = ws.OpContinuation
	}
}

package apigateway

import (
	"bufio"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"waggle/localstack/lambda"
)

// The endings that clients cause by what they send.
var (
	protocolError = ending{ws.StatusProtocolError, "Protocol error"}
	binaryFrame   = ending{ws.StatusUnsupportedData, "Binary frames are not supported"}
	invalidText   = ending{ws.StatusInvalidFramePayloadData, "Text is not UTF-8"}
	frameTooBig   = ending{ws.StatusMessageTooBig, "Frame is over 32 KB"}
	messageTooBig = ending{ws.StatusMessageTooBig, "Message is over 128 KB"}
)

// read reads frames until the client's close frame or the end of the socket. After close
// was called it ignores all frames but that one.
func (c *connection) read(r *bufio.Reader) {
	var message []byte
	state := ws.StateServerSide
	for {
		h, err := ws.ReadHeader(r)
		if err != nil {
			c.close(abnormal)
			return
		}
		if e := c.endingFor(h, state, len(message)); e != nil {
			c.close(*e)
		}
		if c.isClosing() {
			if h.OpCode == ws.OpClose {
				return
			}
			if _, err := io.CopyN(io.Discard, r, h.Length); err != nil {
				return
			}
			continue
		}

		payload, err := readPayload(r, h)
		if err != nil {
			c.close(abnormal)
			return
		}
		switch h.OpCode {
		case ws.OpPing:
			c.queuePong(payload)
		case ws.OpPong:
		case ws.OpClose:
			c.close(closedBy(payload))
			return
		default:
			message = append(message, payload...)
			state = state.Set(ws.StateFragmented)
			if h.Fin {
				state = state.Clear(ws.StateFragmented)
				c.receive(message)
				message = nil
			}
		}
	}
}

// endingFor returns the ending that a frame causes, or nil if the frame is allowed.
func (c *connection) endingFor(h ws.Header, state ws.State, before int) *ending {
	switch {
	case c.isClosing():
		return nil
	case ws.CheckHeader(h, state) != nil:
		return &protocolError
	case h.OpCode.IsControl():
		return nil
	case h.OpCode == ws.OpBinary:
		return &binaryFrame
	case h.Length > MaxFrame:
		return &frameTooBig
	case int64(before)+h.Length > MaxMessage:
		return &messageTooBig
	}
	return nil
}

// receive routes a complete message. It waits while too many are in progress.
func (c *connection) receive(message []byte) {
	if !utf8.Valid(message) {
		c.close(invalidText)
		return
	}
	c.active()
	arrival := c.gateway.config.Now() // taken here, where the messages are still in order
	select {
	case c.slots <- struct{}{}:
	case <-c.closing:
		return
	}
	if !c.gateway.begin() {
		// Before anything is done for the message: refusing must cost little.
		<-c.slots
		c.gateway.log.Error("apigateway: message", "connection", c.id, "err", lambda.ErrThrottled)
		c.send((&refusal{Message: "Internal server error", ConnectionID: c.id, RequestID: newID()}).frame())
		return
	}
	c.observe(In, message)
	c.invocations.Go(func() {
		defer c.gateway.end()
		defer func() { <-c.slots }()
		c.gateway.route(c, message, arrival)
	})
}

// queuePong queues the reply to a ping. Only the newest ping is kept, so that a flood of
// pings takes no memory. A ping is not data: the idle timeout goes on.
func (c *connection) queuePong(ping []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pong = ping
	c.signal()
}

func (c *connection) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// closedBy returns the ending of a client's close frame.
func closedBy(payload []byte) ending {
	if len(payload) == 0 {
		return ending{ws.StatusNoStatusRcvd, "Client-side close frame status not set"}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if ws.CheckCloseFrameData(code, reason) != nil {
		return protocolError
	}
	return ending{code, reason}
}

// readPayload reads and unmasks a frame's payload. The caller has checked its length.
func readPayload(r io.Reader, h ws.Header) ([]byte, error) {
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, err
	}
	ws.Cipher(payload, h.Mask, 0)
	return payload, nil
}

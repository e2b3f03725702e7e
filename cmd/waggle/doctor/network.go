package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"
)

// address looks the name up, and tests whether anything listens there.
func (x *examination) address(ctx context.Context) finding {
	ctx, cancel := x.wait(ctx)
	defer cancel()
	socket, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(x.host, x.port))
	if err == nil {
		defer socket.Close()
		return fine("%s is reachable, at %s", x.host, socket.RemoteAddr())
	}
	unknown, isUnknown := errors.AsType[*net.DNSError](err)
	switch {
	case isUnknown && unknown.IsNotFound:
		return wrong("compare the URL with the stack's output; after a deploy, a custom domain needs its record in DNS first",
			"%s has no address", x.host).fatal()
	case isUnknown:
		return wrong("this machine cannot resolve names: look at its network", "%v", err).fatal()
	case errors.Is(err, syscall.ECONNREFUSED):
		return wrong("nothing listens there: is it the right host and port, and is the stack running (make run, on one machine)?",
			"%s refuses connections at port %s", x.host, x.port).fatal()
	}
	return wrong("a firewall, a proxy or the network of this machine prevents it, or it is the wrong host", "no connection to %s: %v", x.host, err).fatal()
}

// soon is how long before its end a certificate gets a warning.
const soon = 14 * 24 * time.Hour

// tls checks the certificate as a client does.
func (x *examination) tls(ctx context.Context, scheme string) finding {
	if scheme == "ws" {
		if address := net.ParseIP(x.host); x.host == "localhost" || address.IsLoopback() {
			return skipped("ws:// has none, and needs none on this machine")
		}
		return finding{status: Warn, found: "ws:// has none: everyone on the way can read the tokens", mend: "use wss://"}
	}
	ctx, cancel := x.wait(ctx)
	defer cancel()
	socket, err := (&tls.Dialer{Config: &tls.Config{ServerName: x.host, MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", net.JoinHostPort(x.host, x.port))
	if err != nil {
		return tlsFailure(x.host, err).fatal()
	}
	defer socket.Close()
	until := socket.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
	if left := until.Sub(x.Now()); left < soon {
		return finding{status: Warn, found: "the certificate ends " + until.Format(time.DateOnly), mend: "find out why it was not renewed (ACM renews by itself while its DNS record is there)"}
	}
	return fine("the certificate of %s is good until %s", x.host, until.Format(time.DateOnly))
}

func tlsFailure(host string, err error) finding {
	if _, other := errors.AsType[tls.RecordHeaderError](err); other || strings.Contains(err.Error(), "first record does not look like a TLS handshake") {
		return wrong("that port speaks no TLS: for a local stack use ws:// or http://", "%s answers, but not in TLS", host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return wrong("renew the certificate, or set this machine's clock if that is wrong", "the certificate is out of date: %v", invalid)
	}
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return wrong("the URL must have a name that the certificate is for: the API's own, or the custom domain's", "%v", name)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return wrong("a proxy on the way may replace certificates; otherwise the custom domain needs one of a public authority", "nobody whom this machine trusts signed the certificate")
	}
	return wrong("the server or something on the way breaks TLS off", "no TLS with %s: %v", host, err)
}

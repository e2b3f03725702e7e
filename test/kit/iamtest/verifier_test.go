package iamtest

import (
	"encoding/hex"
	"net/url"
	"testing"
	"time"
)

// published is the secret of the example in "Signature Version 4 signing process". The
// tests repeat AWS's own examples: that one, and the presigned URL of the S3 reference.
const published = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

func TestSigningKeyAsPublished(t *testing.T) {
	got := hex.EncodeToString(signingKey(published, "20150830/us-east-1/iam/aws4_request"))
	if want := "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPresignedURLAsPublished(t *testing.T) {
	r := request{host: "examplebucket.s3.amazonaws.com", path: "/test.txt", payload: "UNSIGNED-PAYLOAD", query: url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {"AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"},
		"X-Amz-Date":          {"20130524T000000Z"},
		"X-Amz-Expires":       {"86400"},
		"X-Amz-SignedHeaders": {"host"},
	}}
	secret := "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	got := r.signature(secret, "20130524/us-east-1/s3/aws4_request", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if want := "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

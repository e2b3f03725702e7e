package app

import (
	"cmp"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The variables with which Lambda gives a function the credentials of its role. The SDK's
// default chain would look into them first too. But it brings the clients of four services
// for the other links of the chain, which every start of a function would pay for.
const (
	accessKey    = "AWS_ACCESS_KEY_ID"
	secretKey    = "AWS_SECRET_ACCESS_KEY"
	sessionToken = "AWS_SESSION_TOKEN"
)

// role returns the credentials of the function's role.
func role(get func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		c := aws.Credentials{AccessKeyID: get(accessKey), SecretAccessKey: get(secretKey), SessionToken: get(sessionToken), Source: "Lambda"}
		if !c.HasKeys() {
			return aws.Credentials{}, errors.New("no AWS credentials: set " + accessKey + " and " + secretKey)
		}
		return c, nil
	})
}

// region returns the region in which the function runs, or "".
func region(get func(string) string) string {
	return cmp.Or(get("AWS_REGION"), get("AWS_DEFAULT_REGION"))
}

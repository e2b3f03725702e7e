// Command authorizer decides for API Gateway who may connect, and as which member.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"waggle/internal/token"
)

func main() {
	if err := run(context.Background()); err != nil {
		slog.Error("authorizer: start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := token.ConfigFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	authorizer := token.NewAuthorizer(token.NewVerifier(config), log)
	authorizer.Prepare(ctx)
	lambda.Start(authorizer.Handle)
	return nil
}

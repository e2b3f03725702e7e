// Command disconnect ends sessions.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"waggle/internal/app"
)

func main() {
	if err := run(context.Background()); err != nil {
		slog.Error("disconnect: start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	a, err := app.FromEnv(ctx, os.LookupEnv, app.Options{})
	if err != nil {
		return err
	}
	lambda.StartWithOptions(a.Handle, lambda.WithEnableSIGTERM(a.Close))
	return nil
}

// Command nothing is a function that does nothing: what Lambda's Go runtime alone takes.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, map[string]any) (map[string]int, error) {
		return map[string]int{"statusCode": 200}, nil
	})
}

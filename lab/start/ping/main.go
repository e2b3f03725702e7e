// Command ping is a function that uses the same two clients as Waggle's, for as little as
// possible: each event is one PING to the cache and one POST to a connection.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/valkey-io/valkey-go"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	api := apigatewaymanagementapi.NewFromConfig(settings, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(os.Getenv("WAGGLE_MANAGEMENT_ENDPOINT"))
	})
	cache, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(os.Getenv("WAGGLE_CACHE_URL"), "redis://")},
		DisableCache: true, PipelineMultiplex: -1, RingScaleEachConn: 6, ReadBufferEachConn: 16 << 10, WriteBufferEachConn: 16 << 10})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(ctx context.Context, _ map[string]any) (map[string]int, error) {
		if err := cache.Do(ctx, cache.B().Ping().Build()).Error(); err != nil {
			return nil, err
		}
		_, err := api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String("c="), Data: []byte(`{"type":"pong"}`)})
		return map[string]int{"statusCode": 200}, err
	})
}

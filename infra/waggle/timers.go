package waggle

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/internal/topology"
)

// timers is the queue whose delayed messages have members told of what has run out.
type timers struct {
	queue awssqs.Queue
	// dead gets the messages that the function could not do in three tries.
	dead awssqs.Queue
}

func newTimers(scope constructs.Construct) *timers {
	queue := func(id string, retention awscdk.Duration, visible awscdk.Duration, dead *awssqs.DeadLetterQueue) awssqs.Queue {
		return awssqs.NewQueue(scope, &id, &awssqs.QueueProps{
			EnforceSSL:        jsii.Bool(true),
			Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
			RetentionPeriod:   retention,
			VisibilityTimeout: visible,
			DeadLetterQueue:   dead,
			RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
		})
	}
	longest := 0.0
	for _, f := range topology.Functions() {
		if f.Timers {
			longest = max(longest, f.Timeout.Seconds())
		}
	}
	dead := queue("DeadTimers", awscdk.Duration_Days(jsii.Number(14)), nil, nil)
	return &timers{
		// A delay is at most 15 minutes, and an hour later nobody wants to know. Lambda's documentation
		// wants six times the function's timeout.
		queue: queue("Timers", awscdk.Duration_Hours(jsii.Number(1)), awscdk.Duration_Seconds(jsii.Number(6*longest)),
			&awssqs.DeadLetterQueue{MaxReceiveCount: jsii.Number(3), Queue: dead}),
		dead: dead,
	}
}

// invoke has the queue invoke the function.
func (t *timers) invoke(scope constructs.Construct, f awslambda.Function) {
	awslambda.NewEventSourceMapping(scope, jsii.String("TimersMapping"), &awslambda.EventSourceMappingProps{
		EventSourceArn:          t.queue.QueueArn(),
		Target:                  f,
		BatchSize:               jsii.Number(10),
		ReportBatchItemFailures: jsii.Bool(true),
	})
}

// url returns the address at which functions reach the queue. SQS takes calls by IPv6 under another name.
func (t *timers) url(with function) *string {
	if with.network == nil || !with.network.ipv6 {
		return t.queue.QueueUrl()
	}
	return awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("https://sqs."), awscdk.Aws_REGION(), jsii.String(".api.aws/"),
		awscdk.Aws_ACCOUNT_ID(), jsii.String("/"), t.queue.QueueName()})
}

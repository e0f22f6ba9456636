//! Queues, SNS topics and buckets of the template.

use std::path::Path;

use aws_sdk_sqs::types::QueueAttributeName;
use millrace::{
    destination::Destinations,
    template::{self, Options},
};

use crate::support::aws::{Aws, Queue, name, variables};

pub(crate) async fn what_the_template_names_is_made_before_a_trigger_starts_and_may_be_there() {
    let (queue, topic, bucket) = (name(), name(), name());
    let text = format!(
        "Resources:
           F:
             Type: AWS::Serverless::Function
             Properties:
               Runtime: provided.al2023
               CodeUri: f/
               Environment:
                 Variables: {{URL: !Ref Q, ARN: !GetAtt Q.Arn, TOPIC: !Ref T, BUCKET: !GetAtt B.Arn}}
           Q:
             Type: AWS::SQS::Queue
             Properties: {{QueueName: {queue}, VisibilityTimeout: 77}}
           T:
             Type: AWS::SNS::Topic
             Properties: {{TopicName: {topic}}}
           S:
             Type: AWS::SNS::Subscription
             Properties: {{TopicArn: !Ref T, Protocol: sqs, Endpoint: !GetAtt Q.Arn}}
           B:
             Type: AWS::S3::Bucket
             Properties: {{BucketName: {bucket}}}
        "
    );
    let options = Options { environment: variables(), ..Options::default() };
    let application = template::parse(&text, Path::new("t.yaml"), &options).unwrap();
    let destinations = Destinations::new(&variables());
    for _ in 0..2 {
        let made = destinations.prepare(&application).await.unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(made.len(), 3);
    }
    let aws = Aws::connect().await;
    let environment = &application.functions["F"].environment;
    let queue = Queue { arn: environment["ARN"].clone(), url: environment["URL"].clone() };
    let wanted = [QueueAttributeName::QueueArn, QueueAttributeName::VisibilityTimeout];
    let request = aws.sqs.get_queue_attributes().queue_url(&queue.url).set_attribute_names(Some(wanted.to_vec()));
    let attributes = request.send().await.unwrap().attributes().unwrap().clone();
    assert_eq!(attributes[&QueueAttributeName::QueueArn], queue.arn);
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "77");
    aws.sns.publish().topic_arn(&environment["TOPIC"]).message("hello").send().await.unwrap();
    assert_eq!(aws.receive_json(&queue).await["Message"], "hello");
    assert_eq!(environment["BUCKET"], format!("arn:aws:s3:::{bucket}"));
    aws.s3.head_bucket().bucket(&bucket).send().await.unwrap();
}

//! What templates contain that changes nothing on one machine, each with the reason.

/// Resource types that are left out: the stack's services stand in for them, or they only matter in an account.
pub(super) const RESOURCES: &[(&str, &str)] = &[
    ("AWS::ApplicationAutoScaling::ScalableTarget", "scaling"),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "scaling"),
    ("AWS::AmazonMQ::Configuration", "the broker is a service of the stack"),
    ("AWS::AmazonMQ::ConfigurationAssociation", "the broker is a service of the stack"),
    ("AWS::Athena::WorkGroup", "no local service"),
    ("AWS::CloudFormation::WaitConditionHandle", "deploy only"),
    ("AWS::CloudWatch::Alarm", "monitoring"),
    ("AWS::CloudWatch::CompositeAlarm", "monitoring"),
    ("AWS::CloudWatch::Dashboard", "monitoring"),
    ("AWS::EC2::EIP", "network"),
    ("AWS::EC2::InternetGateway", "network"),
    ("AWS::EC2::NatGateway", "network"),
    ("AWS::EC2::Route", "network"),
    ("AWS::EC2::RouteTable", "network"),
    ("AWS::EC2::SecurityGroup", "network"),
    ("AWS::EC2::SecurityGroupEgress", "network"),
    ("AWS::EC2::SecurityGroupIngress", "network"),
    ("AWS::EC2::Subnet", "network"),
    ("AWS::EC2::SubnetRouteTableAssociation", "network"),
    ("AWS::EC2::VPC", "network"),
    ("AWS::EC2::VPCEndpoint", "network"),
    ("AWS::EC2::VPCGatewayAttachment", "network"),
    ("AWS::Glue::Database", "the catalog is configured by variables"),
    ("AWS::IAM::ManagedPolicy", "no permissions are checked"),
    ("AWS::IAM::Policy", "no permissions are checked"),
    ("AWS::IAM::Role", "no permissions are checked"),
    ("AWS::KMS::Alias", "nothing is encrypted"),
    ("AWS::KMS::Key", "nothing is encrypted"),
    ("AWS::Lambda::Permission", "no permissions are checked"),
    ("AWS::Logs::LogGroup", "logs are files"),
    ("AWS::Logs::MetricFilter", "monitoring"),
    ("AWS::Logs::SubscriptionFilter", "monitoring"),
    ("AWS::MSK::BatchScramSecret", "the broker is a service of the stack"),
    ("AWS::MSK::Cluster", "the broker is a service of the stack"),
    ("AWS::MSK::ClusterPolicy", "the broker is a service of the stack"),
    ("AWS::MSK::Configuration", "the broker is a service of the stack"),
    ("AWS::MSK::ServerlessCluster", "the broker is a service of the stack"),
    ("AWS::RDS::DBCluster", "the database is a service of the stack"),
    ("AWS::RDS::DBClusterParameterGroup", "the database is a service of the stack"),
    ("AWS::RDS::DBInstance", "the database is a service of the stack"),
    ("AWS::RDS::DBParameterGroup", "the database is a service of the stack"),
    ("AWS::RDS::DBProxy", "the database is a service of the stack"),
    ("AWS::RDS::DBProxyTargetGroup", "the database is a service of the stack"),
    ("AWS::RDS::DBSubnetGroup", "the database is a service of the stack"),
    ("AWS::S3::BucketPolicy", "no permissions are checked"),
    ("AWS::SNS::TopicPolicy", "no permissions are checked"),
    ("AWS::Serverless::LayerVersion", "layers are not loaded"),
    ("AWS::SQS::QueuePolicy", "no permissions are checked"),
    ("AWS::SSM::Parameter", "values come from parameters"),
    ("AWS::Scheduler::ScheduleGroup", "every schedule is in the default group"),
    ("AWS::SecretsManager::RotationSchedule", "secrets come from the environment"),
    ("AWS::SecretsManager::Secret", "secrets come from the environment"),
    ("AWS::SecretsManager::SecretTargetAttachment", "secrets come from the environment"),
    ("AWS::XRay::Group", "monitoring"),
    ("AWS::XRay::SamplingRule", "monitoring"),
];

/// Keys of any resource beside its type and properties that only matter to a deploy.
pub(super) const RESOURCE_KEYS: &[(&str, &str)] = &[
    ("DependsOn", "order of a deploy"),
    ("DeletionPolicy", "deploy only"),
    ("UpdateReplacePolicy", "deploy only"),
    ("CreationPolicy", "deploy only"),
    ("UpdatePolicy", "deploy only"),
    ("Connectors", "permissions"),
];

/// Properties of `AWS::Serverless::Function`.
pub(super) const FUNCTION: &[(&str, &str)] = &[
    ("Architectures", "the program runs on this machine"),
    ("AssumeRolePolicyDocument", "no permissions are checked"),
    ("AutoPublishAlias", "there is one version"),
    ("AutoPublishAliasAllProperties", "there is one version"),
    ("AutoPublishCodeSha256", "there is one version"),
    ("CodeSigningConfigArn", "deploy only"),
    ("DeploymentPreference", "deploy only"),
    ("Description", "no effect"),
    ("EphemeralStorage", "/tmp is this machine's"),
    ("KmsKeyArn", "nothing is encrypted"),
    ("PermissionsBoundary", "no permissions are checked"),
    ("Policies", "no permissions are checked"),
    ("PropagateTags", "no effect"),
    ("ProvisionedConcurrencyConfig", "processes are kept"),
    ("RecursiveLoop", "no loop is looked for"),
    ("Role", "no permissions are checked"),
    ("RolePath", "no permissions are checked"),
    ("RuntimeManagementConfig", "the program is the runtime"),
    ("SnapStart", "start only"),
    ("SourceKMSKeyArn", "nothing is encrypted"),
    ("Tags", "no effect"),
    ("Tracing", "monitoring"),
    ("VersionDescription", "there is one version"),
    ("VpcConfig", "network"),
];

/// Properties of `AWS::Serverless::HttpApi`.
pub(super) const HTTP_API: &[(&str, &str)] = &[
    ("AccessLogSettings", "logs are files"),
    ("Description", "no effect"),
    ("DisableExecuteApiEndpoint", "the local address is the only one"),
    ("Domain", "the local address is the only one"),
    ("FailOnWarnings", "deploy only"),
    ("Name", "no effect"),
    ("PropagateTags", "no effect"),
    ("Tags", "no effect"),
];

/// Properties of Kafka triggers and of raw RabbitMQ mappings.
pub(super) const KAFKA: &[(&str, &str)] = &[
    ("KmsKeyArn", "nothing is encrypted"),
    ("LoggingConfig", "logs are files"),
    ("MetricsConfig", "monitoring"),
    ("Tags", "no effect"),
];

/// Properties of `AWS::SQS::Queue`.
pub(super) const QUEUE: &[(&str, &str)] = &[
    ("KmsDataKeyReusePeriodSeconds", "nothing is encrypted"),
    ("KmsMasterKeyId", "nothing is encrypted"),
    ("SqsManagedSseEnabled", "nothing is encrypted"),
    ("Tags", "no effect"),
];

/// Properties of `AWS::SNS::Topic`.
pub(super) const SNS_TOPIC: &[(&str, &str)] = &[
    ("ArchivePolicy", "nothing is kept"),
    ("ContentBasedDeduplication", "nothing here publishes to FIFO topics"),
    ("DataProtectionPolicy", "no permissions are checked"),
    ("DeliveryStatusLogging", "monitoring"),
    ("DisplayName", "no effect"),
    ("FifoThroughputScope", "nothing is throttled"),
    ("KmsMasterKeyId", "nothing is encrypted"),
    ("SignatureVersion", "no effect"),
    ("Tags", "no effect"),
    ("TracingConfig", "monitoring"),
];

/// Properties of SAM's `MQ` event.
pub(super) const MQ_EVENT: &[(&str, &str)] = &[
    ("DynamicPolicyName", "no permissions are checked"),
    ("KmsKeyArn", "nothing is encrypted"),
    ("SecretsManagerKmsKeyId", "no permissions are checked"),
];

/// Properties of `AWS::AmazonMQ::Broker`.
pub(super) const BROKER: &[(&str, &str)] = &[
    ("AuthenticationStrategy", "the login is the stack's, or that of a mapping's secret"),
    ("AutoMinorVersionUpgrade", "deploy only"),
    ("Configuration", "the broker is a service of the stack"),
    ("DataReplicationMode", "there is one broker"),
    ("DataReplicationPrimaryBrokerArn", "there is one broker"),
    ("DeploymentMode", "there is one broker"),
    ("EncryptionOptions", "nothing is encrypted"),
    ("EngineVersion", "the broker is a service of the stack"),
    ("HostInstanceType", "the broker is a service of the stack"),
    ("LdapServerMetadata", "the login is the stack's, or that of a mapping's secret"),
    ("Logs", "logs are files"),
    ("MaintenanceWindowStartTime", "deploy only"),
    ("PubliclyAccessible", "network"),
    ("SecurityGroups", "network"),
    ("StorageType", "the broker is a service of the stack"),
    ("SubnetIds", "network"),
    ("Tags", "no effect"),
    ("Users", "the login is the stack's, or that of a mapping's secret"),
];

/// Properties of schedules.
pub(super) const SCHEDULE: &[(&str, &str)] = &[
    ("Description", "no effect"),
    ("GroupName", "every schedule is in the default group"),
    ("KmsKeyArn", "nothing is encrypted"),
    ("OmitName", "the name is the local one"),
    ("PermissionsBoundary", "no permissions are checked"),
    ("RoleArn", "no permissions are checked"),
];

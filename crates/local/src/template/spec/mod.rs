//! What the template means, resolved: no intrinsic, no condition and no parameter is left. The rest of the runner
//! sees these types only and never YAML.

mod api;
mod application;
mod asynchronous;
mod destination;
mod function;
mod kafka;
mod mq;
mod outline;
mod schedule;

pub use api::{
    ApiSpec, AuthSpec, AuthorizationSpec, CorsSpec, JwtSpec, PayloadFormat, RouteSpec, ThrottleSpec, TokenSource,
    UrlSpec,
};
pub use application::{Application, TopicSpec, Warning};
pub use asynchronous::AsynchronousSpec;
pub use destination::{Destination, QueueSpec, SnsTopicSpec};
pub use function::{FunctionSpec, LoggingSpec, SystemLogLevel};
pub use kafka::{KafkaAccess, KafkaAuthentication, KafkaMappingSpec, SecretId, StartingPosition};
pub use mq::MqMappingSpec;
pub use outline::{Outline, Place, Root, Written};
pub use schedule::{Period, RetrySpec, ScheduleKind, ScheduleSpec};

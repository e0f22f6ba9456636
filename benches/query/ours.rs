//! The function behind the runner's gateway and host, as the repository's template has it.

use crate::{fill::Table, stack::Stack};

/// Starts the runner on this table.
pub(crate) fn start(table: &Table) -> anyhow::Result<Stack> {
    let variables = [("DATABASE_URL".to_owned(), table.database.url.clone())];
    Stack::start(&template(&table.warehouse), &[("github-query-api", "github-query-api")], &variables, &[])
}

fn template(warehouse: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: provided.al2023, MemorySize: 1024, LoggingConfig: {{LogFormat: JSON}}}}}}
Parameters:
  DatabaseUrl: {{Type: String}}
Metadata: {{Millrace: {{Parameters: {{DatabaseUrl: DATABASE_URL}}}}}}
Resources:
  Api: {{Type: AWS::Serverless::HttpApi}}
  Query:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: github-query-api/
      Timeout: 29
      Environment:
        Variables: {{DATABASE_URL: !Ref DatabaseUrl, LAKE_WAREHOUSE: '{warehouse}'}}
      Events:
        Root: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: ANY, Path: /}}}}
        Everything: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: ANY, Path: '/{{proxy+}}'}}}}
"
    )
}

//! The names of AWS services that `--service` accepts.

/// The short names, sorted, with the path of the service in the console's address and its full name. arl
/// accepts any other path as well.
///
/// Source: "Open the … console at" in the user guides of the services.
pub(crate) const SERVICES: [(&str, &str, &str); 63] = [
    ("acm", "acm", "Certificate Manager"),
    ("amplify", "amplify", "Amplify"),
    ("apigateway", "apigateway", "API Gateway"),
    ("appsync", "appsync", "AppSync"),
    ("athena", "athena", "Athena"),
    ("backup", "backup", "Backup"),
    ("batch", "batch", "Batch"),
    ("bedrock", "bedrock", "Bedrock"),
    ("billing", "billing", "Billing"),
    ("cloudformation", "cloudformation", "CloudFormation"),
    ("cloudfront", "cloudfront", "CloudFront"),
    ("cloudshell", "cloudshell", "CloudShell"),
    ("cloudtrail", "cloudtrail", "CloudTrail"),
    ("cloudwatch", "cloudwatch", "CloudWatch"),
    ("codeartifact", "codesuite/codeartifact", "CodeArtifact"),
    ("codebuild", "codesuite/codebuild", "CodeBuild"),
    ("codecommit", "codesuite/codecommit", "CodeCommit"),
    ("codedeploy", "codesuite/codedeploy", "CodeDeploy"),
    ("codepipeline", "codesuite/codepipeline", "CodePipeline"),
    ("cognito", "cognito", "Cognito"),
    ("config", "config", "Config"),
    ("controltower", "controltower", "Control Tower"),
    ("cost", "cost-management", "Cost Explorer"),
    ("directconnect", "directconnect/v2", "Direct Connect"),
    ("dms", "dms/v2", "Database Migration Service"),
    ("dynamodb", "dynamodbv2", "DynamoDB"),
    ("ec2", "ec2", "EC2"),
    ("ecr", "ecr", "Elastic Container Registry"),
    ("ecs", "ecs/v2", "Elastic Container Service"),
    ("efs", "efs", "Elastic File System"),
    ("eks", "eks", "Elastic Kubernetes Service"),
    ("elasticache", "elasticache", "ElastiCache"),
    ("elasticbeanstalk", "elasticbeanstalk", "Elastic Beanstalk"),
    ("emr", "emr", "EMR"),
    ("events", "events", "EventBridge"),
    ("fsx", "fsx", "FSx"),
    ("glue", "glue", "Glue"),
    ("guardduty", "guardduty", "GuardDuty"),
    ("iam", "iam", "Identity and Access Management"),
    ("inspector", "inspector/v2", "Inspector"),
    ("kinesis", "kinesis", "Kinesis"),
    ("kms", "kms", "Key Management Service"),
    ("lambda", "lambda", "Lambda"),
    ("msk", "msk", "Managed Streaming for Apache Kafka"),
    ("opensearch", "aos", "OpenSearch Service"),
    ("organizations", "organizations/v2", "Organizations"),
    ("ram", "ram", "Resource Access Manager"),
    ("rds", "rds", "Relational Database Service"),
    ("redshift", "redshiftv2", "Redshift"),
    ("route53", "route53/v2", "Route 53"),
    ("s3", "s3", "S3"),
    ("sagemaker", "sagemaker", "SageMaker"),
    ("secretsmanager", "secretsmanager", "Secrets Manager"),
    ("securityhub", "securityhub", "Security Hub"),
    ("servicequotas", "servicequotas", "Service Quotas"),
    ("ses", "ses", "Simple Email Service"),
    ("sns", "sns", "Simple Notification Service"),
    ("sqs", "sqs", "Simple Queue Service"),
    ("ssm", "systems-manager", "Systems Manager"),
    ("sso", "singlesignon", "IAM Identity Center"),
    ("stepfunctions", "states", "Step Functions"),
    ("support", "support", "Support"),
    ("vpc", "vpc", "VPC"),
];

/// Returns the path of a service in the console's address. `service` is a short name or the path itself.
pub(crate) fn console_path(service: &str) -> &str {
    SERVICES.iter().find(|(name, ..)| *name == service).map_or(service, |(_, path, _)| path)
}

#[cfg(test)]
mod tests {
    use arl::internal::{ConsoleSignIn, Partition};

    use super::*;

    #[test]
    fn every_short_name_is_unique_and_leads_to_a_path() {
        assert!(SERVICES.is_sorted_by(|(a, ..), (b, ..)| a < b));
        for (name, path, help) in SERVICES {
            assert!(ConsoleSignIn::new(&Partition::for_region(""), Some(path), None).is_ok(), "{name}");
            assert!(!help.is_empty() && console_path(name) == path, "{name}");
        }
        assert_eq!(console_path("ec2/v2"), "ec2/v2");
    }
}

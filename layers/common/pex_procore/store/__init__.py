"""DynamoDB, S3, KMS, SQS and Step Functions behind the ports."""

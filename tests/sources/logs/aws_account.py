"""An AWS with things planted: what the tests of its connectors find, and how they ask."""

from __future__ import annotations

import json

REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKIAS3NTINEL", "aws_secret_access_key": "S3NTINEL-secret-key"}
KEPT = ("enabled", "retention_days", "retention_infinite", "retention_basis")


def plant(client):
    s3, trails, logs = client("s3"), client("cloudtrail"), client("logs")
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket="forever", **where)
    s3.put_bucket_versioning(Bucket="forever", VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket="forever", LifecycleConfiguration={"Rules": [rule]})
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True, **where)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
    gone = {**rule, "NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    other = {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="locked", LifecycleConfiguration={"Rules": [gone, other]})
    s3.create_bucket(Bucket="short", **where)
    s3.put_bucket_lifecycle_configuration(Bucket="short", LifecycleConfiguration={"Rules": [rule]})
    s3.create_bucket(Bucket="photos", **where)
    for name, bucket, valid in (("main", "locked", True), ("stopped", "forever", False), ("brief", "short", True)):
        trails.create_trail(
            Name=name, S3BucketName=bucket, IsMultiRegionTrail=name == "main", EnableLogFileValidation=valid
        )
        if name != "stopped":
            trails.start_logging(Name=name)
    for number in range(60):
        logs.create_log_group(logGroupName=f"/app/{number:02}")
    logs.put_retention_policy(logGroupName="/app/07", retentionInDays=30)
    _plant_alarms(client)
    _plant_edge(client)
    _plant_people(client("iam"))


def _plant_people(iam):
    document = lambda **given: json.dumps({"Version": "2012-10-17", "Statement": [given]})  # noqa: E731
    iam.create_user(UserName="auditor")
    read = document(Effect="Allow", Action=["cloudtrail:Lookup*", "logs:FilterLogEvents"], Resource="*")
    iam.put_user_policy(UserName="auditor", PolicyName="read", PolicyDocument=read)
    iam.create_group(GroupName="operators")
    iam.create_user(UserName="operator")
    iam.add_user_to_group(GroupName="operators", UserName="operator")
    trail = f"arn:aws:cloudtrail:{REGION}:123456789012:trail/main"
    stop = iam.create_policy(
        PolicyName="stop", PolicyDocument=document(Effect="Allow", Action="cloudtrail:*", Resource=trail)
    )
    iam.attach_group_policy(GroupName="operators", PolicyArn=stop["Policy"]["Arn"])
    iam.create_role(
        RoleName="deploy", AssumeRolePolicyDocument=document(Effect="Allow", Principal="*", Action="sts:AssumeRole")
    )
    group = f"arn:aws:logs:{REGION}:123456789012:log-group:/app/07:*"
    iam.put_role_policy(RoleName="deploy", PolicyName="cut", PolicyDocument=document(Effect="Allow", Action="logs:PutRetentionPolicy", Resource=group))  # fmt: skip


def _plant_alarms(client):
    sns, alarms = client("sns"), client("cloudwatch")
    empty, told = (sns.create_topic(Name=name)["TopicArn"] for name in ("empty", "told"))
    sns.subscribe(TopicArn=told, Protocol="email", Endpoint="oncall@example.com")
    sns.subscribe(TopicArn=told, Protocol="https", Endpoint="https://hooks.example.com/S3NTINEL/of-a-hook")
    common = {"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    common |= {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
    for name, topic, acts in (("tells", told, True), ("mute", told, False), ("dead", empty, True)):
        alarms.put_metric_alarm(AlarmName=name, AlarmActions=[topic], ActionsEnabled=acts, **common)
    alarms.put_metric_alarm(AlarmName="alone", **common)
    for number in range(120):
        alarms.put_metric_alarm(AlarmName=f"many-{number:03}", AlarmActions=[told], ActionsEnabled=True, **common)


def _plant_edge(client):
    waf = client("wafv2")
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    limit = lambda action: {  # noqa: E731
        "Name": f"limit-{action}".lower(),
        "Priority": 1 if action == "Block" else 2,
        "Statement": {"RateBasedStatement": {"Limit": 3000, "AggregateKeyType": "IP"}},
        "Action": {action: {}},
        "VisibilityConfig": seen,
    }
    shape = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": seen}
    logged = waf.create_web_acl(Name="logged", Rules=[limit("Block"), limit("Count")], **shape)["Summary"]["ARN"]
    waf.create_web_acl(Name="silent", Rules=[], **shape)
    target = f"arn:aws:firehose:{REGION}:123456789012:deliverystream/aws-waf-logs-x"
    waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": logged, "LogDestinationConfigs": [target]})
    config = client("config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::1:role/r"})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "short"})
    client("guardduty").create_detector(Enable=False)
    api = client("apigateway")
    for name in ("one", "two"):
        of = api.create_rest_api(name=name)["id"]
        root = api.get_resources(restApiId=of)["items"][0]["id"]
        api.put_method(restApiId=of, resourceId=root, httpMethod="GET", authorizationType="NONE")
        api.put_integration(restApiId=of, resourceId=root, httpMethod="GET", type="MOCK")
        api.create_deployment(restApiId=of, stageName="prod", variables={"secret": "S3NTINEL-variable"})
    rds = client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="pg", DBParameterGroupFamily="postgres15", Description="x")
    audit = {"ParameterName": "pgaudit.log", "ParameterValue": "ddl", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[audit])
    common = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 10,
        "DBParameterGroupName": "pg",
    }
    common |= {"MasterUsername": "u", "MasterUserPassword": "S3NTINEL-master"}
    rds.create_db_instance(DBInstanceIdentifier="orders", EnableCloudwatchLogsExports=["postgresql"], **common)
    rds.create_db_instance(DBInstanceIdentifier="silent", **common)
    client("secretsmanager").create_secret(Name="db", SecretString="S3NTINEL-value")


def entry(connector, **more):
    return {"connector": connector, "region": REGION, **more}

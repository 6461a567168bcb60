"""Databases and secrets of AWS against moto's server: what they log, and for how long."""

from __future__ import annotations

import boto3
import pytest

from soc2ev.sources.logs.facts_aws import exported_logs
from tests.sources.logs.aws_account import KEPT, KEYS, REGION, entry


def test_secrets_are_counted_and_never_read(team, aws):
    """Reads of secrets are logged as long as some trail logs; no value of a secret is asked for."""
    found = team.collect(entry("aws-secretsmanager"))
    assert [True] == [row["enabled"] for row in found.sources.values()]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]
    assert not any("get_secret_value" in str(item.request) for item, _ in found.stored)


def test_databases_log_when_they_export_logs(team, aws):
    """An instance that exports nothing is off; pgaudit's classes of the parameter group are its events."""
    found = team.collect(entry("aws-rds"))
    assert {"aws-rds:orders": True, "aws-rds:silent": False} == {
        key: row["enabled"] for key, row in found.sources.items()
    }
    assert ["admin.action"] == [row["event"] for row in found.of("aws-rds:orders", "collected_log_events")]


def test_a_database_keeps_as_long_as_the_log_groups_that_it_writes_to(team, aws, moto, request):
    """Each kind of log has its own group; one that nobody has written to yet is not known."""
    row = team.collect(entry("aws-rds")).sources["aws-rds:orders"]
    assert (True, None, None, "unknown") == tuple(row[name] for name in KEPT)
    logs, name = (
        boto3.client("logs", region_name=REGION, endpoint_url=moto, **KEYS),
        "/aws/rds/instance/orders/postgresql",
    )
    logs.create_log_group(logGroupName=name)
    request.addfinalizer(lambda: logs.delete_log_group(logGroupName=name))
    row = team.collect(entry("aws-rds")).sources["aws-rds:orders"]
    assert (True, None, True, "configured") == tuple(row[name] for name in KEPT)
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    found = team.collect(entry("aws-rds"))
    assert (True, 30, False, "configured") == tuple(found.sources["aws-rds:orders"][name] for name in KEPT)
    assert [("log_group", name, 30)] == [
        (one["type"], one["target"], one["retention_days"]) for one in found.of("aws-rds:orders", "collected_log_sinks")
    ]
    assert ("unknown", "") == tuple(found.sources["aws-rds:silent"][name] for name in ("retention_basis", "reasons"))


def test_log_groups_that_are_refused_leave_only_the_retention_of_databases_unknown(team, refusing):
    """An instance that exports nothing needs no group."""
    refusing["DescribeLogGroups"] = 403
    rows = team.collect(entry("aws-rds")).sources
    assert (True, None, None, None) == tuple(rows["aws-rds:orders"][name] for name in KEPT)
    assert {"retention_days", "retention_infinite", "retention_basis"} == {
        name for name in rows["aws-rds:orders"]["unknown"] if not name.startswith("sinks")
    }
    assert [] == rows["aws-rds:silent"]["unknown"]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"audit": 400, "error": 30}, (True, 30, False)),
        ({"audit": None, "error": 30}, (True, 30, False)),
        ({"audit": None, "error": None}, (True, None, True)),
        ({"audit": 400}, (False, None, None)),
    ],
)
def test_of_several_kinds_of_logs_the_shortest_retention_holds(kept, told):
    """Each group holds other logs; one that is not there leaves all unknown."""
    groups = [
        {"logGroupName": f"/h/{name}", **({"retentionInDays": days} if days else {})} for name, days in kept.items()
    ]
    found = exported_logs(["audit", "error"], "/h/", groups)
    assert told == (found["known"], found["days"], found["infinite"])


@pytest.fixture(scope="module")
def clusters(moto):
    """In eu-south-1 a cluster that exports its audit log, with an instance, and one that exports nothing."""
    here = lambda service: boto3.client(service, region_name="eu-south-1", endpoint_url=moto, **KEYS)  # noqa: E731
    rds, logs = here("rds"), here("logs")
    common = {"Engine": "aurora-mysql", "MasterUsername": "u", "MasterUserPassword": "S3NTINEL-master"}
    rds.create_db_cluster(DBClusterIdentifier="orders", EnableCloudwatchLogsExports=["audit"], **common)
    rds.create_db_cluster(DBClusterIdentifier="quiet", **common)
    node = {"Engine": "aurora-mysql", "DBInstanceClass": "db.r5.large"}
    rds.create_db_instance(DBInstanceIdentifier="orders-1", DBClusterIdentifier="orders", **node)
    alone = {**common, "Engine": "mysql", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 10}
    rds.create_db_instance(DBInstanceIdentifier="alone", EnableCloudwatchLogsExports=["audit"], **alone)
    rds.create_db_instance(DBInstanceIdentifier="silent", **alone)
    logs.create_log_group(logGroupName="/aws/rds/cluster/orders/audit")
    logs.put_retention_policy(logGroupName="/aws/rds/cluster/orders/audit", retentionInDays=400)


def _databases(team):
    rows = team.collect(entry("aws-rds", region="eu-south-1")).sources
    return {key.rpartition(":")[2]: (row["enabled"], row["retention_days"]) for key, row in rows.items()}


def test_a_cluster_exports_for_its_instances(team, aws, clusters):
    """A cluster is a source of its own; what its instance does not say itself the cluster says."""
    assert {
        "orders": (True, 400),
        "orders-1": (True, 400),
        "quiet": (False, None),
        "alone": (True, None),
        "silent": (False, None),
    } == _databases(team)


def test_clusters_that_are_refused_leave_the_databases_that_stand_alone(team, clusters, refusing):
    """Of an instance in a cluster it is not known then whether it logs; of the others it is."""
    refusing["Action=DescribeDBClusters&"] = 403
    told = _databases(team)
    assert (None, None) == told.pop("aws-rds")
    assert {"orders-1": (None, None), "alone": (True, None), "silent": (False, None)} == told


def test_instances_that_are_refused_leave_what_the_clusters_keep(team, clusters, refusing):
    """What a cluster exports, and for how long that is kept, needs no answer about instances."""
    refusing["Action=DescribeDBInstances&"] = 403
    assert {"orders": (True, 400), "quiet": (False, None), "aws-rds": (None, None)} == _databases(team)

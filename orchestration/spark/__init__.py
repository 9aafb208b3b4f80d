"""Goalpost on a cluster of Apache Spark: the same models, on Iceberg tables, through a Thrift server
(docs/spark.md).

Belongs here: what differs from the warehouse in one DuckDB file: how statements reach the cluster, landing,
the tables of control, the Python models, publishing. Does not: any rule (dbt_project/).
"""

"""The query API as a Python user would write it: FastAPI over the Iceberg table, by DuckDB or by PyIceberg.

    uvicorn query.api:app     ENGINE=duckdb|pyiceberg

`/events?hours_back=1&page_size=10&event_type=PushEvent` newest events, `/stats?hours_back=6` totals, by type, the ten
busiest repositories, by hour. The table's state is looked up at most once a second.
"""

import datetime, os, time

from fastapi import FastAPI

import common

ENGINE = os.environ["ENGINE"]
app = FastAPI()
state = {"until": 0.0}


def begin(hours_back):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours_back)


def table():
    if time.time() > state["until"]:
        state.update(table=common.catalog().load_table("lake.events"), until=time.time() + 1)
    return state["table"]


if ENGINE == "duckdb":
    import duckdb
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'; set parquet_metadata_cache = true")

    def source(since):
        """The files of the snapshot that can hold rows since then, from Iceberg's own statistics; planned once a minute."""
        snapshot, minute = table().metadata.current_snapshot_id, since.replace(second=0, microsecond=0)
        if state.get("planned") != snapshot:
            state.update(planned=snapshot, files={})
        if minute not in state["files"]:
            plan = table().scan(row_filter=f"created_at >= '{minute.isoformat()}'").plan_files()
            state["files"][minute] = [task.file.file_path.removeprefix("file://") for task in plan]
        return f"read_parquet({state['files'][minute]})"

    def rows(sql, *values):
        cursor = db.cursor()
        cursor.execute(sql, values)
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    @app.get("/events")
    def events(hours_back: int = 1, page_size: int = 10, event_type: str | None = None):
        since = begin(hours_back)
        of_type = "and type = ?" if event_type else ""
        return {"events": rows(f"select id, type, actor_login, repo_name, org_login, created_at, payload from {source(since)} where created_at >= ? "
                               f"{of_type} order by created_at desc, id desc limit {page_size}", since, *([event_type] if event_type else []))}

    @app.get("/stats")
    def stats(hours_back: int = 6):
        since = begin(hours_back)
        recent = f"from {source(since)} where created_at >= ?"
        return {"totals": rows(f"select count(*) events, count(distinct actor_login) actors, count(distinct repo_name) repos {recent}", since)[0],
                "by_type": rows(f"select type, count(*) n {recent} group by type order by n desc", since),
                "top_repos": rows(f"select repo_name, count(*) n {recent} group by repo_name order by n desc, repo_name limit 10", since),
                "by_hour": rows(f"select date_trunc('hour', created_at) as hour, count(*) n {recent} group by 1 order by 1", since)}

else:
    import pyarrow.compute as pc
    from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual

    @app.get("/events")
    def events(hours_back: int = 1, page_size: int = 10, event_type: str | None = None):
        wanted = GreaterThanOrEqual("created_at", begin(hours_back).isoformat())
        if event_type:
            wanted = And(wanted, EqualTo("type", event_type))
        # Two reads: the keys of all that match, then the whole of only the page's rows.
        keys = table().scan(row_filter=wanted, selected_fields=("id", "created_at")).to_arrow()
        page = keys.take(pc.select_k_unstable(keys, page_size, [("created_at", "descending"), ("id", "descending")]))
        if len(page) == 0:
            return {"events": []}
        since = pc.min(page["created_at"]).as_py()
        found = table().scan(row_filter=And(wanted, GreaterThanOrEqual("created_at", since.isoformat()))).to_arrow()
        return {"events": found.sort_by([("created_at", "descending"), ("id", "descending")]).slice(0, page_size).to_pylist()}

    @app.get("/stats")
    def stats(hours_back: int = 6):
        wanted = GreaterThanOrEqual("created_at", begin(hours_back).isoformat())
        found = table().scan(row_filter=wanted, selected_fields=("type", "actor_login", "repo_name", "created_at")).to_arrow()
        repos = found.group_by("repo_name").aggregate([("type", "count")])
        hours = found.append_column("hour", pc.floor_temporal(found["created_at"], unit="hour")).group_by("hour").aggregate([("type", "count")])
        return {"totals": {"events": len(found), "actors": pc.count_distinct(found["actor_login"]).as_py(), "repos": len(repos)},
                "by_type": found.group_by("type").aggregate([("type", "count")]).sort_by([("type_count", "descending")]).to_pylist(),
                "top_repos": repos.take(pc.select_k_unstable(repos, 10, [("type_count", "descending"), ("repo_name", "ascending")])).to_pylist(),
                "by_hour": hours.sort_by("hour").to_pylist()}

"""Dataset, models, metric and results to the Hub, each repository whole or not at all: see conf/publish.yaml."""

from jianghua.command import command

# names are quoted like paths: Hydra would make a number of 2024 and a list of [a,b]
PATHS = (
    "repo_id",
    "org",
    "run",
    "public",
    "tag",
    "dataset_revision",
    "cache",
    "data_root",
    "results",
    "metric",
    "runs",
)


@command("publish", paths=PATHS)
def main(config):
    import tempfile
    from pathlib import Path

    from jianghua.hub.connection import connect
    from jianghua.hub.plan import listing, plan, tag_of
    from jianghua.hub.publish import check_dataset_there, check_token, look_from_outside, publish, without_orphans

    root = Path(__file__).resolve().parents[1]
    connection = connect(config.time_limit, xet=config.xet)
    with tempfile.TemporaryDirectory() as staged:
        contents = plan(config, root, Path(staged), connection.token)
        if config.dry_run:
            print("\n\n".join(map(listing, contents)))
            return
        check_token(connection)
        check_dataset_there(contents, connection)
        for content in without_orphans(contents, connection):
            tag = tag_of(content, config.tag, Path(config.data_root))
            done = publish(content, connection, private=config.private, tag=tag)
            if config.check:
                cache = Path(config.cache) if config.cache else None
                for line in look_from_outside(content, done.commit, connection, private=done.private, cache=cache):
                    print(f"  {line}")
            print(f"  {content.line(connection.endpoint, tag or done.commit)}")


if __name__ == "__main__":
    main()

"""Dataset, models, metric and results to the Hub, each repository whole or not at all: see conf/publish.yaml."""

from jianghua.command import command

PATHS = ("run", "public", "tag", "cache", "data_root", "results", "metric", "runs")


@command("publish", paths=PATHS)
def main(config):
    import tempfile
    from pathlib import Path

    from jianghua.hub.connection import connect
    from jianghua.hub.plan import listing, plan, tag_of
    from jianghua.hub.publish import check_token, look_from_outside, publish

    root = Path(__file__).resolve().parents[1]
    connection = connect(config.time_limit, xet=config.xet)
    with tempfile.TemporaryDirectory() as staged:
        contents = plan(config, root, Path(staged), connection.token)
        if config.dry_run:
            print("\n\n".join(map(listing, contents)))
            return
        check_token(connection)
        for content in contents:
            tag = tag_of(content, config.tag, Path(config.data_root))
            done = publish(content, connection, private=config.private, tag=tag)
            if config.check:
                cache = Path(config.cache) if config.cache else None
                for line in look_from_outside(content, done.commit, connection, private=done.private, cache=cache):
                    print(f"  {line}")
            print(f"  {content.use.replace('REVISION', tag or done.commit)}")


if __name__ == "__main__":
    main()

"""The commands of `jph`: adding one is a row here and a module in this folder."""

from typing import Final, NamedTuple

SEE: Final = "See"
COMMAND: Final = "Command"
HISTORY: Final = "History"
SET_UP: Final = "Set up"


class Row(NamedTuple):
    """One command.

    `target` is "module:function"; the module is imported when the command runs. `summary` is its line in the help,
    `examples` end its own help. A row with `rows` is a family of commands and has no target of its own.
    `negative_numbers` lets an argument such as -5 be a number instead of an option. `otherwise` is which command of a
    family takes what names none of them, and nothing.
    """

    name: str
    target: str
    panel: str
    summary: str
    examples: tuple[str, ...]
    rows: "tuple[Row, ...]" = ()
    negative_numbers: bool = False
    otherwise: str = ""


_CHECK: Final = Row(
    "check",
    "console.commands.config:check",
    SET_UP,
    "Check a configuration and list all that is wrong with it.",
    ("jph check", "jph check --config ./jph.yaml && jph reload C1"),
)

_CONFIG: Final = (
    _CHECK._replace(examples=("jph config check", "jph config check --json")),
    Row(
        "show",
        "console.commands.config:show",
        SET_UP,
        "Show what a configuration says once its defaults are filled in.",
        ("jph config show", "jph config show --json | jq .codifier"),
    ),
    Row(
        "convert",
        "console.commands.config:convert",
        SET_UP,
        "Write a configuration, also one of the original system, as YAML.",
        ("jph config convert config.json > jph.yaml",),
    ),
)

_DB_USER: Final = (
    Row(
        "add",
        "console.commands.db:add_user",
        SET_UP,
        "Add a user, or change the password of one.",
        ("jph db user add ann@example.org", "jph db user add --change ann@example.org"),
    ),
    Row("list", "console.commands.db:list_users", SET_UP, "List the users.", ("jph db user list",)),
    Row(
        "remove",
        "console.commands.db:remove_user",
        SET_UP,
        "Remove a user.",
        ("jph db user remove ann@example.org",),
    ),
)

_DB: Final = (
    Row("sql", "console.commands.db:sql", SET_UP, "Print the schema as SQL.", ("jph db sql | psql sensors",)),
    Row("init", "console.commands.db:init", SET_UP, "Make the schema.", ("jph db init", "jph db init --node Q2")),
    Row("migrate", "console.commands.db:migrate", SET_UP, "Bring the schema up to date.", ("jph db migrate",)),
    Row("status", "console.commands.db:status", SET_UP, "Show what is in the database.", ("jph db status",)),
    Row("user", "", SET_UP, "Add, list and remove users.", ("jph db user list",), rows=_DB_USER),
)

_DRIVERS: Final = (
    Row(
        "show",
        "console.commands.drivers:show",
        SET_UP,
        "List the drivers that there are, or explain one.",
        ("jph drivers", "jph drivers pipe", "jph drivers show pipe --json | jq .options"),
    ),
    Row(
        "try",
        "console.commands.drivers_try:try_driver",
        SET_UP,
        "Read a driver once, or several times, without sending anything.",
        (
            "jph drivers try pipe path=/proc/loadavg field=1",
            "jph drivers try pipe path=/proc/loadavg 'fields={value: 1, load5: 2}' --count 3 --interval 5s",
        ),
    ),
    Row(
        "scan",
        "console.commands.drivers_scan:scan",
        SET_UP,
        "Look for what is attached to this computer, and write nodes for it.",
        ("jph drivers scan", "jph drivers scan --quiet > found.yaml"),
    ),
)

_KEYS: Final = (
    Row("init", "console.commands.keys:init", SET_UP, "Make the key of a new network.", ("jph keys init",)),
    Row(
        "grant",
        "console.commands.keys:grant",
        SET_UP,
        "Print keys for a node, an operator or a reader.",
        (
            "jph keys grant C1 F1 | ssh kastpi jph keys install -",
            "jph keys grant CK --operator --targets FK,FG | ssh desk jph keys install -",
            "jph keys grant B1 --reads A4,A5 --targets FK | ssh kastpi jph keys install -",
        ),
    ),
    Row(
        "install",
        "console.commands.keys:install",
        SET_UP,
        "Keep keys that were granted on this computer.",
        ("jph keys install C1.keys", "ssh owner jph keys grant C1 | jph keys install -"),
    ),
    Row("revoke", "console.commands.keys:revoke", SET_UP, "Take keys back.", ("jph keys revoke C1",)),
    Row(
        "rotate",
        "console.commands.keys:rotate",
        SET_UP,
        "Change the network's key without losing a reading.",
        ("jph keys rotate", "jph keys rotate --use", "jph keys rotate --finish"),
    ),
    Row("show", "console.commands.keys:show", SET_UP, "Print what a key file allows.", ("jph keys show C1",)),
    Row(
        "list",
        "console.commands.keys:list_grants",
        SET_UP,
        "List who was granted what.",
        ("jph keys list", "jph keys list --live"),
    ),
    Row("check", "console.commands.keys:check", SET_UP, "Look at all key files here.", ("jph keys check",)),
)

COMMANDS: Final = (
    Row(
        "console",
        "console.commands.console:console",
        SEE,
        "Open the live screen: all sensors, their state, their charts.",
        ("jph console", "jph console --control --config ./jph.yaml"),
    ),
    Row(
        "get",
        "console.commands.get:get",
        SEE,
        "Print the last value, age and status of sensors.",
        ("jph get C1 F1", "jph get FK --json --timeout 2s"),
    ),
    Row(
        "sensors",
        "console.commands.sensors:sensors",
        SEE,
        "List the sensors: value, status, loss, duplicates, bad values.",
        ("jph sensors", "jph sensors --seconds 60 --json"),
    ),
    Row(
        "nodes",
        "console.commands.nodes:nodes",
        SEE,
        "List the nodes: state, trouble, address, round trip, clock, loss, rivals.",
        ("jph nodes", "jph nodes --json | jq 'select(.state != \"alive\")'"),
    ),
    Row(
        "watch",
        "console.commands.watch:watch",
        SEE,
        "Print every frame on both buses as it comes.",
        ("jph watch --involving FK", "jph watch --bus control --flag set --json", "jph watch --from C1 --count 5"),
    ),
    Row(
        "ping",
        "console.commands.ping:ping",
        SEE,
        "Measure round trip, loss and clock offset of nodes.",
        ("jph ping C1 -c 10 --interval 200ms", "jph ping --all --json"),
    ),
    Row(
        "start",
        "console.commands.orders:start",
        COMMAND,
        "Let nodes send readings.",
        ("jph start C1", "jph start C1 F1 --json"),
    ),
    Row(
        "halt",
        "console.commands.orders:halt",
        COMMAND,
        "Stop the readings of nodes; they stay on the bus.",
        ("jph halt C1", "jph halt C1 F1"),
    ),
    Row(
        "reload",
        "console.commands.orders:reload",
        COMMAND,
        "Let nodes read their configuration again.",
        ("jph check && jph reload C1",),
    ),
    Row(
        "set",
        "console.commands.orders:set_value",
        COMMAND,
        "Set the value of control sensors.",
        ("jph set FK 80", "jph set FK FG 0 --as CK"),
        negative_numbers=True,
    ),
    Row(
        "step",
        "console.commands.orders:step",
        COMMAND,
        "Change the value of control sensors by so much.",
        ("jph step FK 5", "jph step FK -5"),
        negative_numbers=True,
    ),
    Row(
        "send",
        "console.commands.send:send",
        COMMAND,
        "Send any control frame once, and wait for nothing.",
        ("jph send ping @@ 7", "jph send A FK 80"),
        negative_numbers=True,
    ),
    Row(
        "history",
        "console.commands.history:history",
        HISTORY,
        "Print readings of the past of a sensor.",
        ("jph history C1 --since 1h", "jph history C1 --since 7d --csv > c1.csv", "jph history C1 --since 10m --live"),
    ),
    Row(
        "loss",
        "console.commands.loss:loss",
        HISTORY,
        "Account for every reading: stored, or lost and why.",
        ("jph loss", "jph loss C1 F1 --since 7d", "jph loss C1 --by hour --json"),
    ),
    Row(
        "export",
        "console.commands.export:export",
        HISTORY,
        "Write stored readings to a file: CSV, JSON lines, Parquet.",
        ("jph export --output all.parquet", "jph export C1 F1 --since 30d > month.csv"),
    ),
    Row(
        "import",
        "console.commands.importing:import_readings",
        HISTORY,
        "Store the readings of files, or of the original system's tables.",
        (
            "jph import all.parquet --node Q2",
            "jph import cellar.csv --codifier F1 --time-column when --value-column celsius",
            "jph import --original --from postgresql://jph@db/sensors",
        ),
    ),
    Row(
        "init",
        "console.commands.init:init",
        SET_UP,
        "Write a commented jph.yaml for this computer.",
        ("jph init", "jph init /etc/jph/jph.yaml"),
    ),
    _CHECK,
    Row("config", "", SET_UP, "Check, show and convert configurations.", ("jph config show",), rows=_CONFIG),
    Row(
        "drivers",
        "",
        SET_UP,
        "See what drivers there are, try one, find what is attached.",
        ("jph drivers", "jph drivers pipe"),
        rows=_DRIVERS,
        otherwise="show",
    ),
    Row("db", "", SET_UP, "Prepare and look at a PostgreSQL database.", ("jph db status",), rows=_DB),
    Row("keys", "", SET_UP, "Say who may read and command whom.", ("jph keys list",), rows=_KEYS),
    Row(
        "demo",
        "console.commands.demo:demo",
        SET_UP,
        "Run a live network on this computer: its own values and a simulated plant.",
        ("jph demo", "jph demo --headless --seconds 60 --nodes 100"),
    ),
)

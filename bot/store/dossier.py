"""Everything stored about one person, in any table: to export, or to erase.

Goes by the columns of the tables, so that no new table is left out.
"""

import json
from typing import Any

from bot.store.database import Database

WHOSE = ("owner_id", "user_id")  # the columns with the person a row belongs to
SECRET = ("token", "client_secret")  # columns that never leave the database
_OF_A_DRAFT = "draft_id IN (SELECT id FROM drafts WHERE owner_id = ?)"

Rows = list[dict[str, Any]]  # Any: what SQLite holds, as JSON


async def dossier(db: Database, user_id: int) -> str:
    """Everything stored about a person, as JSON; tokens are left out."""
    about = {"user_id": user_id, **await export(db, user_id)}
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


async def export(db: Database, user_id: int) -> dict[str, Rows]:
    """The rows about a person by table; a secret's column says only that there is one."""
    found = {}
    for table, columns in (await _tables(db)).items():
        where = _where(columns)
        if where:
            rows = await db.rows(f"SELECT * FROM {table} WHERE {where}", (user_id,))
            found[table] = [
                {k: "(secret)" if k in SECRET else v for k, v in dict(row).items()} for row in rows
            ]
    return found


async def erase(db: Database, user_id: int) -> None:
    """Delete all that `export` finds, also the guests' grants for this person's voices."""
    tables = await _tables(db)
    async with db.transaction():
        await db.run(
            "DELETE FROM grants WHERE voice IN"
            " (SELECT voice FROM grants WHERE user_id = ? AND role = 'owner')",
            (user_id,),
        )
        await db.run("UPDATE grants SET granted_by = 0 WHERE granted_by = ?", (user_id,))
        for table, columns in tables.items():
            if set(columns) & set(WHOSE):  # the rows below a draft go with it
                await db.run(f"DELETE FROM {table} WHERE {_where(columns)}", (user_id,))
    await db.settle()


async def _tables(db: Database) -> dict[str, list[str]]:
    """The columns of every table."""
    found: dict[str, list[str]] = {}
    for row in await db.rows(
        "SELECT t.name AS table_name, c.name AS column_name"
        " FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid"
    ):
        found.setdefault(row["table_name"], []).append(row["column_name"])
    return found


def _where(columns: list[str]) -> str | None:
    whose = [column for column in columns if column in WHOSE]
    if whose:
        return f"{whose[0]} = ?"
    return _OF_A_DRAFT if "draft_id" in columns else None

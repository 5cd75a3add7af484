"""The figures, for people and for programs."""

import json

HEADINGS = ["what", "placement", "API/s (lowest–highest)", "p50 ms", "p99 ms", "limit/s (lowest–highest)",
            "share", "aim", "processors: API, PostgreSQL, wrk, others"]

COSTS = ["request, 1 dedicated", "API/s (lowest–highest)", "p50 ms", "p99 ms", "of the plain one"]


def spread(figures):
    if figures["lowest"] == figures["highest"]:
        return f"{figures['per_second']:,}"
    return f"{figures['per_second']:,} ({figures['lowest']:,}–{figures['highest']:,})"


def cells(row):
    api, limit, taken = row["api"], row.get("limit"), row["api"]["processors"]
    return [
        row["what"], row["placement"], spread(api), f"{api['p50_ms']:.2f}", f"{api['p99_ms']:.1f}",
        spread(limit) if limit else "", f"{row['share']:.0%}" if limit else "",
        f"{row['aim']:,}" if row["aim"] else "",
        ", ".join(f"{taken[who]:.2f}" for who in ("api", "postgresql", "wrk", "others")),
    ]


def line(row):
    return " | ".join(cells(row))


def note_line(note):
    aim = f" (aim {note['aim']:g})" if note["aim"] else ""
    return f"{note['what']}: {note['figure']:g} {note['unit']}{aim}"


def cost_cells(cost):
    return [cost["what"], spread(cost), f"{cost['p50_ms']:.2f}", f"{cost['p99_ms']:.1f}",
            f"{cost['of_plain']:.0%}" if "of_plain" in cost else ""]


def lined(rows):
    return ["| " + " | ".join(row) + " |" for row in rows]


def table(found):
    machine = found["machine"]
    rows = [HEADINGS, ["---"] * len(HEADINGS), *map(cells, found["rows"])]
    return "\n".join([
        "",
        f"{machine['revision']} on {machine['cores']} cores of {machine['processor']}, PostgreSQL "
        f"{machine['postgresql']} (shared_buffers {machine['shared_buffers']}, fsync {machine['fsync']}), "
        f"others kept {machine['busy_before']:.2f} processors busy before; 8 connections, {found['runs']} runs of "
        f"{found['seconds']} s each, medians.",
        "",
        *(lined(rows) if found["rows"] else []),
        "",
        *(lined([COSTS, ["---"] * len(COSTS), *map(cost_cells, found["conventions"])])
          if found["conventions"] else []),
        "",
        *(f"- {note_line(note)}" for note in found["notes"]),
        "",
    ])


def write(found, file):
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")

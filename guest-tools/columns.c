// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "columns.h"

const struct column columns[NR_COLUMNS] = {
	[COL_REASON] = { "REASON", "reason",
		"number: Intel basic exit reason, or AMD exit code", true },
	[COL_NAME] = { "NAME", "name", "name of the reason", false },
	[COL_EXITS] = { "EXITS", "exits", "number of exits", true },
	[COL_EXITS_SHARE] = { "EXITS%", "exits_percent", "share of all rows' exits", true },
	[COL_CYCLES] = { "CYCLES", "cycles", "host TSC ticks inside KVM", true },
	[COL_CYCLES_SHARE] = { "CYCLES%", "cycles_percent", "share of all rows' cycles", true },
	[COL_CYCLES_PER_EXIT] = { "CYCLES/EXIT", "cycles_per_exit", "cycles per exit", true },
	[COL_AWAY] = { "AWAY", "away_cycles",
		"host TSC ticks out of the guest: cycles, user-space VMM, waiting", true },
};

static int selection_add(struct selection *sel, const char *name, size_t len)
{
	for (enum column_id id = 0; id < NR_COLUMNS; id++) {
		if (strlen(columns[id].name) != len ||
		    strncasecmp(columns[id].name, name, len))
			continue;
		for (size_t i = 0; i < sel->nr; i++) {
			if (sel->ids[i] == id) {
				warnx("column '%s' is named twice", columns[id].name);
				return -1;
			}
		}
		sel->ids[sel->nr++] = id;
		return 0;
	}
	warnx("unknown column '%.*s'; --help lists the columns", (int)len, name);
	return -1;
}

int selection_parse(struct selection *sel, const char *list)
{
	sel->nr = 0;
	for (;;) {
		size_t len = strcspn(list, ",");

		if (selection_add(sel, list, len))
			return -1;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

void selection_default(struct selection *sel, const struct counters *c)
{
	sel->nr = 0;
	for (enum column_id id = 0; id < NR_COLUMNS; id++)
		if (id != COL_AWAY || c->has_away)
			sel->ids[sel->nr++] = id;
}

static struct cell number_cell(uint64_t number)
{
	return (struct cell){ .type = CELL_NUMBER, .number = number };
}

static struct cell share_cell(uint64_t part, uint64_t sum)
{
	/* In floating point, as 100 times a counter may not fit into 64 bits. */
	return (struct cell){
		.type = CELL_SHARE,
		.share = sum ? 100 * ((double)part / (double)sum) : 0,
	};
}

struct cell column_cell(enum column_id id, const struct counters *c, const struct counter *row)
{
	const struct cell none = { .type = CELL_NONE };

	switch (id) {
	case COL_REASON:
		return row->listed ? number_cell(row->reason) : none;
	case COL_NAME:
		return (struct cell){ .type = CELL_TEXT, .text = row->name };
	case COL_EXITS:
		return number_cell(row->exits);
	case COL_EXITS_SHARE:
		return share_cell(row->exits, c->sum_exits);
	case COL_CYCLES:
		return number_cell(row->cycles);
	case COL_CYCLES_SHARE:
		return share_cell(row->cycles, c->sum_cycles);
	case COL_CYCLES_PER_EXIT:
		return row->exits ? number_cell(row->cycles / row->exits) : none;
	case COL_AWAY:
		/* No leaf tells the away cycles of the unlisted reasons. */
		return c->has_away && row->listed ? number_cell(row->away) : none;
	case NR_COLUMNS:
		break;
	}
	return none;
}

void column_text(enum column_id id, const struct detection *d, const struct counters *c,
		 const struct counter *row, char text[CELL_SIZE])
{
	struct cell cell = column_cell(id, c, row);

	switch (cell.type) {
	case CELL_NONE:
		snprintf(text, CELL_SIZE, "-");
		break;
	case CELL_TEXT:
		snprintf(text, CELL_SIZE, "%s", cell.text);
		break;
	case CELL_NUMBER:
		snprintf(text, CELL_SIZE, id == COL_REASON && d->vendor == VENDOR_SVM ?
			 "0x%" PRIx64 : "%" PRIu64, cell.number);
		break;
	case CELL_SHARE:
		snprintf(text, CELL_SIZE, "%.2f", cell.share);
		break;
	}
}

bool row_shown(const struct counter *row, bool all)
{
	return all || row->exits || row->cycles;
}

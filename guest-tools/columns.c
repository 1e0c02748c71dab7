// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "columns.h"
#include "meanings.h"
#include "numbers.h"

const struct column columns[NR_COLUMNS] = {
	[COL_REASON] = { "REASON", "reason",
		"number: Intel basic exit reason, or AMD exit code", .right = true, .ascending = true },
	[COL_NAME] = { "NAME", "name", "name of the reason", .ascending = true },
	[COL_EXITS] = { "EXITS", "exits", "number of exits", .right = true, .shown = SHOWN_AS_NUMBER },
	[COL_EXITS_DEVIATION] = { "EXITS+-", "exits_deviation",
		"standard deviation of the exits over several runs", .right = true, .shown = SHOWN_AS_NUMBER },
	[COL_EXITS_SHARE] = { "EXITS%", "exits_percent", "share of all rows' exits", .right = true },
	[COL_EXITS_RATE] = { "EXITS/S", "exits_per_second", "exits per second", .right = true, .shown = SHOWN_AS_RATE },
	[COL_CYCLES] = { "CYCLES", "cycles", "host TSC ticks inside KVM", .right = true, .shown = SHOWN_AS_NUMBER },
	[COL_CYCLES_DEVIATION] = { "CYCLES+-", "cycles_deviation",
		"standard deviation of the cycles over several runs", .right = true, .shown = SHOWN_AS_NUMBER },
	[COL_CYCLES_SHARE] = { "CYCLES%", "cycles_percent",
		"share of all rows' cycles", .right = true },
	[COL_CYCLES_RATE] = { "CYCLES/S", "cycles_per_second",
		"cycles per second", .right = true, .shown = SHOWN_AS_RATE },
	[COL_CYCLES_PER_EXIT] = { "CYCLES/EXIT", "cycles_per_exit", "cycles per exit", .right = true },
	[COL_US_PER_EXIT] = { "US/EXIT", "us_per_exit", "microseconds per exit", .right = true },
	[COL_TIME] = { "SECONDS", "seconds", "the cycles in seconds", .right = true, .shown = OPTIONAL },
	[COL_TIME_SHARE] = { "TIME%", "time_percent",
		"the cycles as a share of the elapsed time", .right = true },
	[COL_AWAY] = { "AWAY", "away_cycles",
		"host TSC ticks out of the guest: cycles, user-space VMM, waiting", .right = true, .shown = SHOWN_AS_NUMBER },
	[COL_AWAY_TIME] = { "AWAY-SECONDS", "away_seconds",
		"the same in seconds", .right = true, .shown = OPTIONAL },
	[COL_MEANING] = { "MEANING", "meaning",
		"what the reason means, in one line", .shown = OPTIONAL, .ascending = true },
};

static int parse_name(const char *name, size_t len, enum column_id *id)
{
	for (*id = 0; *id < NR_COLUMNS; (*id)++)
		if (strlen(columns[*id].name) == len && !strncasecmp(columns[*id].name, name, len))
			return 0;
	warnx("unknown column '%.*s'; --help lists the columns", (int)len, name);
	return -1;
}

int column_parse(const char *name, enum column_id *id)
{
	return parse_name(name, strlen(name), id);
}

static int selection_add(struct selection *sel, const char *name, size_t len)
{
	enum column_id id;

	if (parse_name(name, len, &id))
		return -1;
	for (size_t i = 0; i < sel->nr; i++) {
		if (sel->ids[i] == id) {
			warnx("column '%s' is named twice", columns[id].name);
			return -1;
		}
	}
	sel->ids[sel->nr++] = id;
	return 0;
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

/* Whether these counters have what the column shows. */
static bool column_filled(enum column_id id, const struct counters *c)
{
	switch (id) {
	case COL_AWAY:
		return c->has_away;
	case COL_US_PER_EXIT:
		return c->tsc_khz;
	case COL_EXITS_RATE:
	case COL_CYCLES_RATE:
		return c->seconds > 0;
	case COL_TIME_SHARE:
		return c->seconds > 0 && c->tsc_khz;
	case COL_EXITS_DEVIATION:
	case COL_CYCLES_DEVIATION:
		return c->runs > 1;
	default:
		return true;
	}
}

void selection_default(struct selection *sel, const struct counters *c, bool rates)
{
	sel->nr = 0;
	for (enum column_id id = 0; id < NR_COLUMNS; id++)
		if (columns[id].shown <= SHOWN_AS_RATE &&
		    columns[id].shown != (rates ? SHOWN_AS_NUMBER : SHOWN_AS_RATE) &&
		    column_filled(id, c))
			sel->ids[sel->nr++] = id;
}

void selection_append(struct selection *sel, const struct selection *others)
{
	for (size_t i = 0; i < others->nr; i++) {
		size_t at = 0;

		while (at < sel->nr && sel->ids[at] != others->ids[i])
			at++;
		if (at == sel->nr)
			sel->ids[sel->nr++] = others->ids[i];
	}
}

bool selection_shrink(struct selection *sel)
{
	/* What follows from the others first, then what says less than the rest. */
	static const enum column_id dispensable[] = {
		COL_CYCLES_RATE, COL_CYCLES_PER_EXIT, COL_CYCLES_SHARE, COL_EXITS_SHARE, COL_REASON,
		COL_US_PER_EXIT,
	};

	for (size_t i = 0; i < sizeof(dispensable) / sizeof(*dispensable); i++)
		for (size_t at = 0; at < sel->nr; at++)
			if (sel->ids[at] == dispensable[i]) {
				sel->nr--;
				memmove(sel->ids + at, sel->ids + at + 1,
					(sel->nr - at) * sizeof(*sel->ids));
				return true;
			}
	return false;
}

static struct cell number_cell(uint64_t number)
{
	return (struct cell){ .type = CELL_NUMBER, .number = number };
}

static struct cell text_cell(const char *text)
{
	return (struct cell){ .type = CELL_TEXT, .text = text };
}

static struct cell real_cell(double real, int decimals)
{
	return (struct cell){ .type = CELL_REAL, .real = real, .decimals = decimals };
}

static struct cell share_cell(double part, double sum)
{
	/* In floating point, as 100 times a counter may not fit into 64 bits. */
	return real_cell(sum > 0 ? 100 * part / sum : 0, 2);
}

/* Exits that are a mean may have a fraction. */
static struct cell exits_cell(const struct counter *row, double exits)
{
	return exits == row->exits ? number_cell(row->exits) : real_cell(exits, 1);
}

struct cell column_cell(enum column_id id, const struct detection *d, const struct counters *c,
			const struct counter *row)
{
	const struct cell none = { .type = CELL_NONE };
	double hz = c->tsc_khz * 1000.0;
	/* What follows from rounded means would be wrong for rare exits. */
	double exits = c->runs > 1 ? row->mean_exits : row->exits;
	double cycles = c->runs > 1 ? row->mean_cycles : row->cycles;
	double all_exits = c->runs > 1 ? c->mean_sum_exits : c->sum_exits;
	double all_cycles = c->runs > 1 ? c->mean_sum_cycles : c->sum_cycles;
	const char *meaning;

	switch (id) {
	case COL_REASON:
		return row->listed ? number_cell(row->reason) : none;
	case COL_NAME:
		return text_cell(row->name);
	case COL_EXITS:
		return exits_cell(row, exits);
	case COL_EXITS_DEVIATION:
		return c->runs > 1 ? real_cell(row->exits_deviation, 1) : none;
	case COL_EXITS_SHARE:
		return share_cell(exits, all_exits);
	case COL_EXITS_RATE:
		return c->seconds > 0 ? real_cell(exits / c->seconds, 1) : none;
	case COL_CYCLES:
		return number_cell(row->cycles);
	case COL_CYCLES_DEVIATION:
		return c->runs > 1 ? real_cell(row->cycles_deviation, 1) : none;
	case COL_CYCLES_SHARE:
		return share_cell(cycles, all_cycles);
	case COL_CYCLES_RATE:
		return c->seconds > 0 ? real_cell(cycles / c->seconds, 0) : none;
	case COL_CYCLES_PER_EXIT:
		return exits > 0 ? number_cell(cycles / exits) : none;
	case COL_US_PER_EXIT:
		return exits > 0 && c->tsc_khz ? real_cell(cycles / hz / exits * 1e6, 3) : none;
	case COL_TIME:
		return c->tsc_khz ? real_cell(cycles / hz, 6) : none;
	case COL_TIME_SHARE:
		return c->tsc_khz && c->seconds > 0 ? share_cell(cycles / hz, c->seconds) : none;
	case COL_AWAY:
		/* No leaf tells the away cycles of the unlisted reasons. */
		return c->has_away && (row->listed || row->total) ? number_cell(row->away) : none;
	case COL_AWAY_TIME:
		return c->has_away && (row->listed || row->total) && c->tsc_khz ?
		       real_cell(row->away / hz, 6) : none;
	case COL_MEANING:
		meaning = row->listed ? reason_meaning(d->vendor, row->reason) : NULL;
		return meaning ? text_cell(meaning) : none;
	case NR_COLUMNS:
		break;
	}
	return none;
}

void cell_text(const struct cell *cell, char text[CELL_SIZE])
{
	switch (cell->type) {
	case CELL_NONE:
		snprintf(text, CELL_SIZE, "-");
		break;
	case CELL_TEXT:
		snprintf(text, CELL_SIZE, "%s", cell->text);
		break;
	case CELL_NUMBER:
		snprintf(text, CELL_SIZE, "%" PRIu64, cell->number);
		break;
	case CELL_REAL:
		snprintf(text, CELL_SIZE, "%.*f", cell->decimals, cell->real);
		break;
	}
}

void column_text(enum column_id id, const struct detection *d, const struct counters *c,
		 const struct counter *row, char text[CELL_SIZE])
{
	struct cell cell = column_cell(id, d, c, row);

	if (id == COL_REASON && cell.type == CELL_NUMBER && d->vendor == VENDOR_SVM)
		snprintf(text, CELL_SIZE, "0x%" PRIx64, cell.number);
	else
		cell_text(&cell, text);
}

static double cell_value(const struct cell *cell)
{
	return cell->type == CELL_NUMBER ? cell->number : cell->real;
}

/* Whether a stands before b. */
static bool stands_before(enum column_id id, const struct cell *a, const struct cell *b)
{
	int order;

	if (a->type == CELL_NONE || b->type == CELL_NONE)
		return a->type != CELL_NONE && b->type == CELL_NONE;
	if (a->type == CELL_TEXT)
		order = strcmp(a->text, b->text);
	else if (a->type == CELL_NUMBER && b->type == CELL_NUMBER)
		order = a->number < b->number ? -1 : a->number > b->number;
	else
		order = cell_value(a) < cell_value(b) ? -1 : cell_value(a) > cell_value(b);
	return columns[id].ascending ? order < 0 : order > 0;
}

void sort_by_column(enum column_id id, const struct detection *d, struct counters *c)
{
	/* By insertion: stable, so that equal rows stay by cost, and the rows are few. */
	for (size_t i = 1; i < c->nr_rows; i++) {
		struct counter row = c->rows[i];
		struct cell cell = column_cell(id, d, c, &row);
		size_t at = i;

		for (; at; at--) {
			struct cell before = column_cell(id, d, c, &c->rows[at - 1]);

			if (!stands_before(id, &cell, &before))
				break;
			c->rows[at] = c->rows[at - 1];
		}
		c->rows[at] = row;
	}
}

static bool known_name(const char *name)
{
	uint32_t reason;

	return reason_find(VENDOR_VMX, name, &reason) || reason_find(VENDOR_SVM, name, &reason) ||
	       !strcasecmp(name, "UNLISTED");
}

int filter_parse(struct filter *filter, char *list)
{
	filter->nr = 0;
	for (;;) {
		size_t len = strcspn(list, ",");
		bool last = !list[len];
		size_t i = filter->nr;

		list[len] = '\0';
		if (i == FILTER_MAX) {
			warnx("more than %d reasons", FILTER_MAX);
			return -1;
		}
		filter->names[i] = list;
		filter->by_number[i] = !parse_u32(list, &filter->numbers[i]);
		if (!filter->by_number[i] && !known_name(list)) {
			warnx("unknown exit reason '%s'; 'cpuid-probe list' has names and numbers", list);
			return -1;
		}
		filter->nr++;
		if (last)
			return 0;
		list += len + 1;
	}
}

bool row_shown(const struct counter *row, const struct filter *filter, bool all)
{
	if (row->total)
		return true;
	if (!filter || !filter->nr)
		return all || row->exits || row->cycles;
	for (size_t i = 0; i < filter->nr; i++)
		if (filter->by_number[i] ? row->listed && row->reason == filter->numbers[i] :
					   !strcasecmp(row->name, filter->names[i]))
			return true;
	return false;
}

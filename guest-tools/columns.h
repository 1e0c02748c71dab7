/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COLUMNS_H
#define COLUMNS_H

/* The columns of the tables of reasons, the same for every command and output format. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"

enum column_id {
	COL_REASON,
	COL_NAME,
	COL_EXITS,
	COL_EXITS_DEVIATION,
	COL_EXITS_SHARE,
	COL_EXITS_RATE,
	COL_CYCLES,
	COL_CYCLES_DEVIATION,
	COL_CYCLES_SHARE,
	COL_CYCLES_RATE,
	COL_CYCLES_PER_EXIT,
	COL_US_PER_EXIT,
	COL_TIME,
	COL_TIME_SHARE,
	COL_AWAY,
	COL_AWAY_TIME,
	COL_MEANING,
	NR_COLUMNS
};

struct column {
	const char *name;	/* heading, and what --output and --sort take */
	const char *key;	/* in JSON */
	const char *help;
	bool right;		/* aligned to the right */
	enum { SHOWN, SHOWN_AS_NUMBER, SHOWN_AS_RATE, OPTIONAL } shown;
	bool ascending;		/* how --sort sorts it */
};

extern const struct column columns[NR_COLUMNS];

/* An ordered choice of columns. */
struct selection {
	enum column_id ids[NR_COLUMNS];
	size_t nr;
};

/*
 * Reads a comma-separated list of column names, in any case.  0, or -1 with a
 * message on stderr: unknown, twice, or none.  A leading "+" is the caller's.
 */
int selection_parse(struct selection *sel, const char *list);

/* One name of a column, with the same message. */
int column_parse(const char *name, enum column_id *id);

/*
 * The columns that are not optional, as far as these counters can fill them: numbers,
 * or rates in their place.
 */
void selection_default(struct selection *sel, const struct counters *c, bool rates);

/* Those of others at the end that are not in it. */
void selection_append(struct selection *sel, const struct selection *others);

/* Removes the column that the others make up for most; false: none of those is left. */
bool selection_shrink(struct selection *sel);

/* What one cell holds. */
struct cell {
	enum { CELL_NONE, CELL_TEXT, CELL_NUMBER, CELL_REAL } type;
	const char *text;	/* CELL_TEXT: lives as long as the row */
	uint64_t number;	/* CELL_NUMBER */
	double real;		/* CELL_REAL, with so many decimals */
	int decimals;
};

struct cell column_cell(enum column_id id, const struct detection *d, const struct counters *c,
			const struct counter *row);

/* Room for any formatted cell. */
#define CELL_SIZE 128

/* The cell as text, "-" for none. */
void cell_text(const struct cell *cell, char text[CELL_SIZE]);

/* The cell as table text: AMD's codes in hexadecimal as in its manual, "-" for none. */
void column_text(enum column_id id, const struct detection *d, const struct counters *c,
		 const struct counter *row, char text[CELL_SIZE]);

/* Sorts the rows: the largest first, names and numbers of reasons rising, unknown cells last. */
void sort_by_column(enum column_id id, const struct detection *d, struct counters *c);

/* A choice of reasons, by number or name. */
#define FILTER_MAX 32

struct filter {
	const char *names[FILTER_MAX];	/* into the parsed list */
	uint32_t numbers[FILTER_MAX];
	bool by_number[FILTER_MAX];
	size_t nr;			/* 0: every reason */
};

/*
 * Reads a comma-separated list, which is cut up and must live as long.  0, or -1 with a
 * message on stderr: a name that neither vendor has, or junk.
 */
int filter_parse(struct filter *filter, char *list);

/*
 * Whether a table has this row: one of the filter's, or else all of them or those
 * that are not zero.
 */
bool row_shown(const struct counter *row, const struct filter *filter, bool all);

#endif

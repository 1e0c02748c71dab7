/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TABLE_H
#define TABLE_H

/*
 * A table of text.  table-smartcols.c makes it with libsmartcols; table-plain.c
 * without, for the static program, in the same layout.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_style {
	bool raw;		/* columns separated by one space, blanks in cells as \x20 */
	bool export;		/* NAME="cell" pairs */
	bool no_headings;
};

struct table;

/* NULL: out of memory. */
struct table *table_new(const struct table_style *style);

/* 0 or -ENOMEM. */
int table_add_column(struct table *t, const char *name, bool right);

/* Begins a row.  0 or -ENOMEM. */
int table_add_row(struct table *t);

/* A cell of the row begun last.  0 or -ENOMEM. */
int table_set(struct table *t, size_t column, const char *text);

/* Prints nothing if there is no row.  0 or -ENOMEM; write errors are left in the stream. */
int table_print(struct table *t, FILE *out);

void table_free(struct table *t);

#endif

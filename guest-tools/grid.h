/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GRID_H
#define GRID_H

/* A table whose columns are always the same, as text or JSON. */

#include "options.h"

struct grid_column {
	const char *name, *key;
	enum { GRID_LEFT, GRID_RIGHT, GRID_HEX } kind;	/* hexadecimal in text only */
};

struct grid {
	const struct grid_column *columns;
	size_t nr_columns;
	const struct options *opt;
	struct table *table;		/* one of the two */
	struct json_object *doc, *list;
};

/* The member of the JSON document is called key.  Each: 0 or -ENOMEM. */
int grid_begin(struct grid *g, const struct options *opt, const char *key,
	       const struct grid_column *columns, size_t nr_columns);
int grid_row(struct grid *g, const struct cell *cells);
/* Prints, and frees; with err, only frees and returns it. */
int grid_end(struct grid *g, int err);

#endif

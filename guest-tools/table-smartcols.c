// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include <libsmartcols/libsmartcols.h>

#include "table.h"

struct table {
	struct libscols_table *table;
	struct libscols_line *line;
};

struct table *table_new(const struct table_style *style)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->table = scols_new_table();
	if (!t->table) {
		free(t);
		return NULL;
	}
	scols_table_enable_raw(t->table, style->raw);
	scols_table_enable_export(t->table, style->export);
	scols_table_enable_noheadings(t->table, style->no_headings);
	return t;
}

int table_add_column(struct table *t, const char *name, bool right)
{
	return scols_table_new_column(t->table, name, 0, right ? SCOLS_FL_RIGHT : 0) ?
	       0 : -ENOMEM;
}

int table_add_row(struct table *t)
{
	t->line = scols_table_new_line(t->table, NULL);
	return t->line ? 0 : -ENOMEM;
}

int table_set(struct table *t, size_t column, const char *text)
{
	return scols_line_set_data(t->line, column, text) ? -ENOMEM : 0;
}

int table_print(struct table *t, FILE *out)
{
	/* An empty table would print a line that is empty, or none. */
	if (scols_table_is_empty(t->table))
		return 0;
	scols_table_set_stream(t->table, out);
	return scols_print_table(t->table) ? -ENOMEM : 0;
}

void table_free(struct table *t)
{
	if (t)
		scols_unref_table(t->table);
	free(t);
}

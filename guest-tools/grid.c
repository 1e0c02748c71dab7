// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>

#include "grid.h"

int grid_begin(struct grid *g, const struct options *opt, const char *key,
	       const struct grid_column *columns, size_t nr_columns)
{
	*g = (struct grid){ columns, nr_columns, opt, NULL, NULL, NULL };
	if (opt->json) {
		g->doc = json_object_new_object();
		g->list = json_object_new_array();
		return json_member(g->doc, key, g->list);
	}
	g->table = table_new(&opt->report.style);
	if (!g->table)
		return -ENOMEM;
	for (size_t i = 0; i < nr_columns; i++)
		if (table_add_column(g->table, columns[i].name, columns[i].kind != GRID_LEFT))
			return -ENOMEM;
	return 0;
}

static int add_json(struct grid *g, const struct cell *cells)
{
	struct json_object *o = json_element(g->list);
	int err = o ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < g->nr_columns; i++)
		err = json_cell(o, g->columns[i].key, &cells[i]);
	return err;
}

int grid_row(struct grid *g, const struct cell *cells)
{
	int err;

	if (g->doc)
		return add_json(g, cells);
	err = table_add_row(g->table);
	for (size_t i = 0; !err && i < g->nr_columns; i++) {
		char text[CELL_SIZE];

		if (g->columns[i].kind == GRID_HEX && cells[i].type == CELL_NUMBER)
			snprintf(text, sizeof(text), "0x%08" PRIx64, cells[i].number);
		else
			cell_text(&cells[i], text);
		err = table_set(g->table, i, text);
	}
	return err;
}

int grid_end(struct grid *g, int err)
{
	if (!err)
		err = g->doc ? json_print(g->doc, false, g->opt->report.out) :
			       table_print(g->table, g->opt->report.out);
	table_free(g->table);
	json_object_put(g->doc);
	return err;
}

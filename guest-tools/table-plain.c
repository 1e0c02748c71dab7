// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* All text is ASCII, and headings are literals: a byte is a character. */
struct plain_column {
	const char *name;
	bool right;
	size_t width;
};

struct table {
	struct table_style style;
	struct plain_column *columns;
	size_t nr_columns;
	char **cells;		/* row by row */
	size_t nr_rows;
};

struct table *table_new(const struct table_style *style)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t)
		t->style = *style;
	return t;
}

int table_add_column(struct table *t, const char *name, bool right)
{
	struct plain_column *columns = reallocarray(t->columns, t->nr_columns + 1, sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	t->columns = columns;
	t->columns[t->nr_columns++] = (struct plain_column){ name, right, strlen(name) };
	return 0;
}

int table_add_row(struct table *t)
{
	size_t nr = t->nr_rows * t->nr_columns;
	char **cells = reallocarray(t->cells, nr + t->nr_columns, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	memset(cells + nr, 0, t->nr_columns * sizeof(*cells));
	t->cells = cells;
	t->nr_rows++;
	return 0;
}

int table_set(struct table *t, size_t column, const char *text)
{
	char **cell = &t->cells[(t->nr_rows - 1) * t->nr_columns + column];

	*cell = strdup(text);
	if (!*cell)
		return -ENOMEM;
	if (strlen(text) > t->columns[column].width)
		t->columns[column].width = strlen(text);
	return 0;
}

static void print_escaped(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
}

static void print_cell(const struct table *t, size_t column, const char *text, FILE *out)
{
	const struct plain_column *c = &t->columns[column];
	bool last = column + 1 == t->nr_columns;

	if (t->style.export) {
		fprintf(out, "%s=\"", c->name);
		print_escaped(text, "\"\\", out);
		fputc('"', out);
	} else if (t->style.raw) {
		print_escaped(text, " \\", out);
	} else if (c->right) {
		fprintf(out, "%*s", (int)c->width, text);
	} else {
		fprintf(out, "%-*s", last ? 0 : (int)c->width, text);
	}
	fputc(last ? '\n' : ' ', out);
}

int table_print(struct table *t, FILE *out)
{
	if (!t->nr_rows)
		return 0;
	if (!t->style.no_headings && !t->style.export)
		for (size_t i = 0; i < t->nr_columns; i++)
			print_cell(t, i, t->columns[i].name, out);
	for (size_t i = 0; i < t->nr_rows * t->nr_columns; i++)
		print_cell(t, i % t->nr_columns, t->cells[i] ? t->cells[i] : "", out);
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_rows * t->nr_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->columns);
	free(t);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <libsmartcols/libsmartcols.h>

#include "report.h"

static void print_totals(const struct counters *c)
{
	printf("CPUID(0x%08X), exits=%" PRIu32 "\n",
	       KVM_EXIT_STATS_CPUID_TOTAL_COUNT, c->leaf_exits);
	printf("CPUID(0x%08X), total time in vmm: %" PRIu64 " cycles\n",
	       KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, c->leaf_cycles);
	/* The leaf above has the low half only. */
	if (c->exits > UINT32_MAX)
		printf("Total exits, all 64 bits: %" PRIu64 "\n", c->exits);
	if (c->has_away)
		printf("Total time away from the guest: %" PRIu64 " cycles\n", c->away);
	putchar('\n');
}

static int fill_row(struct libscols_line *line, const struct report *rep,
		    const struct detection *d, const struct counters *c,
		    const struct counter *row)
{
	for (size_t i = 0; i < rep->sel->nr; i++) {
		char text[CELL_SIZE];

		column_text(rep->sel->ids[i], d, c, row, text);
		if (scols_line_set_data(line, i, text))
			return -ENOMEM;
	}
	return 0;
}

static int fill_table(struct libscols_table *table, const struct report *rep,
		      const struct detection *d, const struct counters *c)
{
	scols_table_enable_raw(table, rep->raw);
	scols_table_enable_noheadings(table, rep->no_headings);

	for (size_t i = 0; i < rep->sel->nr; i++) {
		const struct column *column = &columns[rep->sel->ids[i]];

		if (!scols_table_new_column(table, column->name, 0,
					    column->right ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	}
	for (size_t i = 0; i < c->nr_rows; i++) {
		struct libscols_line *line;

		if (!row_shown(&c->rows[i], rep->all))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line || fill_row(line, rep, d, c, &c->rows[i]))
			return -ENOMEM;
	}
	return 0;
}

int report_table(const struct report *rep, const struct detection *d, const struct counters *c)
{
	bool table_only = rep->raw || rep->no_headings;
	struct libscols_table *table;
	int err;

	if (!has_counters(d)) {
		/* Who asked for the table alone gets no other text in its place. */
		detection_print(d, table_only ? stderr : stdout);
		return 0;
	}
	table = scols_new_table();
	if (!table)
		return -ENOMEM;
	err = fill_table(table, rep, d, c);
	if (!err) {
		if (!table_only) {
			detection_print(d, stdout);
			print_totals(c);
		}
		/* An empty table would print a line that is empty, or none. */
		if (!scols_table_is_empty(table))
			err = scols_print_table(table);
	}
	scols_unref_table(table);
	return err;
}

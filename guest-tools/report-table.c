// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "report.h"

/* A reason of the vendor's table, or one that the host has and this program does not know. */
static bool is_reason(const struct detection *d, const struct counters *c, uint32_t number)
{
	char name[REASON_NAME_SIZE];

	for (size_t i = 0; i < c->nr_rows; i++)
		if (c->rows[i].listed && c->rows[i].reason == number)
			return true;
	return reason_name(d->vendor, number, name);
}

int report_prepare(struct report *rep, const struct detection *d, struct counters *c)
{
	for (size_t i = 0; has_counters(d) && i < rep->filter.nr; i++) {
		const char *name = rep->filter.names[i];
		uint32_t reason;

		if (rep->filter.by_number[i] ? is_reason(d, c, rep->filter.numbers[i]) :
		    reason_find(d->vendor, name, &reason) || !strcasecmp(name, "UNLISTED"))
			continue;
		warnx("'%s' is no exit reason of %s; 'cpuid-probe list' has those of both vendors",
		      name, vendor_title(d->vendor));
		return -EINVAL;
	}
	if (!rep->columns_chosen) {
		selection_default(&rep->sel, c, rep->rates);
		selection_append(&rep->sel, &rep->more);
	}
	if (rep->sorted)
		sort_by_column(rep->sort, d, c);
	return 0;
}

bool report_table_only(const struct report *rep)
{
	return rep->style.raw || rep->style.export || rep->style.no_headings;
}

double time_share(const struct counters *c, uint64_t cycles, double seconds)
{
	return c->tsc_khz && seconds > 0 ? 100 * (cycles / (c->tsc_khz * 1000.0)) / seconds : -1;
}

void print_time_share(const struct counters *c, double seconds, const char *of, FILE *out)
{
	double share = time_share(c, c->cycles, seconds);

	if (share < 0)
		return;
	fprintf(out, "%.2f %% of %s", share, of);
	/* The counters sum the vCPUs, so that a busy machine can have more than 100 % of one. */
	if (c->vcpus > 1)
		fprintf(out, ", %.2f %% of what all %" PRIu32 " vCPUs had", share / c->vcpus, c->vcpus);
}

static void print_totals(const struct reading *r, FILE *out)
{
	const struct counters *c = &r->c;
	double up = r->stamp.boot_ns / 1e9;
	char of[64];

	fprintf(out, "CPUID(0x%08X), exits=%" PRIu32 "\n",
		KVM_EXIT_STATS_CPUID_TOTAL_COUNT, c->leaf_exits);
	fprintf(out, "CPUID(0x%08X), total time in vmm: %" PRIu64 " cycles\n",
		KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, c->leaf_cycles);
	/* The leaf above has the low half only. */
	if (c->exits > UINT32_MAX)
		fprintf(out, "Total exits, all 64 bits: %" PRIu64 "\n", c->exits);
	if (c->has_away)
		fprintf(out, "Total time away from the guest: %" PRIu64 " cycles\n", c->away);
	if (c->tsc_khz) {
		fprintf(out, "In the hypervisor, since the machine was created: %.3f s",
			c->cycles / (c->tsc_khz * 1000.0));
		snprintf(of, sizeof(of), "the %.1f s since its last boot", up);
		/* Counters outlive a reboot, and run before the first boot has ended. */
		if (up > 0 && time_share(c, c->cycles, up) > 100.0 * (c->vcpus ? c->vcpus : 1)) {
			fprintf(out, ", more than fits into %s", of);
		} else if (up > 0) {
			fputs(": ", out);
			print_time_share(c, up, of, out);
		}
		fputc('\n', out);
	}
	if (c->own.exits) {
		fprintf(out, "This reading itself: %" PRIu64 " exits", c->own.exits);
		if (c->own.cycles)
			fprintf(out, ", about %" PRIu64 " cycles", c->own.cycles);
		fputc('\n', out);
	}
	fputc('\n', out);
}

/* So that one interval's columns stand below another's, with what most machines do. */
static void pad(char text[CELL_SIZE], bool right)
{
	char padded[CELL_SIZE];

	snprintf(padded, sizeof(padded), right ? "%10s" : "%-20s", text);
	strcpy(text, padded);
}

static int fill_row(struct table *table, const struct report *rep, const struct detection *d,
		    const struct counters *c, const struct counter *row)
{
	size_t first = rep->time ? 1 : 0;

	if (table_add_row(table) || (rep->time && table_set(table, 0, rep->time)))
		return -ENOMEM;
	for (size_t i = 0; i < rep->sel.nr; i++) {
		char text[CELL_SIZE];

		column_text(rep->sel.ids[i], d, c, row, text);
		if (rep->padded && !rep->style.raw && !rep->style.export)
			pad(text, columns[rep->sel.ids[i]].right);
		if (table_set(table, first + i, text))
			return -ENOMEM;
	}
	return 0;
}

static int fill_table(struct table *table, const struct report *rep,
		      const struct detection *d, const struct counters *c)
{
	if (rep->time && table_add_column(table, "TIME", false))
		return -ENOMEM;
	for (size_t i = 0; i < rep->sel.nr; i++) {
		const struct column *column = &columns[rep->sel.ids[i]];

		if (table_add_column(table, column->name, column->right))
			return -ENOMEM;
	}
	for (size_t i = 0; i < c->nr_rows; i++)
		if (row_shown(&c->rows[i], &rep->filter, rep->all) &&
		    fill_row(table, rep, d, c, &c->rows[i]))
			return -ENOMEM;
	return 0;
}

int report_rows(const struct report *rep, const struct detection *d, const struct counters *c)
{
	struct table *table = table_new(&rep->style);
	int err;

	if (!table)
		return -ENOMEM;
	err = fill_table(table, rep, d, c);
	if (!err)
		err = table_print(table, rep->out);
	table_free(table);
	return err;
}

int report_table(const struct report *rep, const struct reading *r)
{
	bool table_only = report_table_only(rep);

	if (!has_counters(&r->d)) {
		/* Who asked for the table alone gets no other text in its place. */
		detection_print(&r->d, table_only ? stderr : rep->out);
		return 0;
	}
	if (!table_only) {
		detection_print(&r->d, rep->out);
		print_totals(r, rep->out);
	}
	return report_rows(rep, &r->d, &r->c);
}

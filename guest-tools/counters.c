// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"

/* The reason of the exits that reading causes; both vendors call it so. */
#define CPUID_ROW "CPUID"

static uint64_t join(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

int counters_add_row(struct counters *c, const struct counter *row)
{
	struct counter *rows = reallocarray(c->rows, c->nr_rows + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	c->rows = rows;
	c->rows[c->nr_rows++] = *row;
	c->sum_exits += row->exits;
	c->sum_cycles += row->cycles;
	return 0;
}

/* One record leaf: both counters of one exit.  *defined may be NULL. */
static int read_record(struct source *src, uint32_t leaf, uint32_t reason,
		       uint64_t *exits, uint64_t *cycles, bool *defined)
{
	const uint32_t undefined = KVM_EXIT_STATS_UNDEFINED;
	struct cpuid_regs r;
	int err = source_read(src, leaf, reason, &r);

	if (err)
		return err;
	*exits = join(r.ebx, r.eax);
	*cycles = join(r.edx, r.ecx);
	if (defined)
		*defined = r.eax != undefined || r.ebx != undefined ||
			   r.ecx != undefined || r.edx != undefined;
	return 0;
}

/* A required leaf of cycles has them in EBX (high) and ECX (low), not as a record. */
static int read_required(struct source *src, uint32_t count_leaf, uint32_t cycles_leaf,
			 uint32_t reason, uint32_t *exits, uint64_t *cycles, bool *defined)
{
	struct cpuid_regs r;
	int err;

	err = source_read(src, count_leaf, reason, &r);
	if (err)
		return err;
	*exits = r.eax;
	if (defined)
		*defined = r.edx != KVM_EXIT_STATS_UNDEFINED;

	err = source_read(src, cycles_leaf, reason, &r);
	if (err)
		return err;
	*cycles = join(r.ebx, r.ecx);
	return 0;
}

static int read_away(struct source *src, uint32_t leaf, uint32_t reason, uint64_t *away)
{
	struct cpuid_regs r;
	int err = source_read(src, leaf, reason, &r);

	if (!err)
		*away = join(r.ebx, r.eax);
	return err;
}

/* Reads one reason and adds its row, or no row if the host does not define it. */
static int read_reason(struct source *src, const struct detection *d,
		       uint32_t reason, struct counters *c)
{
	struct counter row = { .listed = true, .reason = reason };
	bool defined, is_cpuid;
	int err;

	reason_name(d->vendor, reason, row.name);
	is_cpuid = !strcmp(row.name, CPUID_ROW);
	if (is_cpuid)
		c->reads_at_cpuid = src->reads + 1;
	if (c->wide) {
		err = read_record(src, KVM_EXIT_STATS_CPUID_RECORD, reason,
				  &row.exits, &row.cycles, &defined);
	} else {
		uint32_t exits;

		err = read_required(src, KVM_EXIT_STATS_CPUID_REASON_COUNT,
				    KVM_EXIT_STATS_CPUID_REASON_CYCLES, reason,
				    &exits, &row.cycles, &defined);
		row.exits = exits;
	}
	/* The row is missing then; watch says it once. */
	if (err == -ERANGE) {
		static bool said;

		if (!said)
			warnx("exits of the reason %s cannot be read through the kernel's CPUID device, which takes no "
			      "such number: they are in the totals only", row.name);
		said = true;
		return 0;
	}
	if (err)
		return err;
	if (!defined)
		return 0;
	if (c->has_away) {
		err = read_away(src, KVM_EXIT_STATS_CPUID_AWAY, reason, &row.away);
		if (err)
			return err;
	}
	return counters_add_row(c, &row);
}

/* The bitmap names the reasons that are worth a read; the others are known to be zero. */
static int read_by_bitmap(struct source *src, const struct detection *d, struct counters *c)
{
	struct cpuid_regs words;
	int err;

	for (uint32_t i = 0; i < bitmap_size(d->vendor); i++) {
		struct counter zero = { .listed = true, .reason = bitmap_reason(d->vendor, i) };
		uint32_t bit = i % KVM_EXIT_STATS_BITS_PER_LEAF;
		uint32_t word;

		if (!bit) {
			err = source_read(src, KVM_EXIT_STATS_CPUID_BITMAP,
					  i / KVM_EXIT_STATS_BITS_PER_LEAF, &words);
			if (err)
				return err;
		}
		word = (const uint32_t[]){ words.eax, words.ebx, words.ecx, words.edx }[bit / 32];

		/* Set without a name is right too: the host may have a newer table. */
		if (word & 1u << bit % 32)
			err = read_reason(src, d, zero.reason, c);
		else if (reason_name(d->vendor, zero.reason, zero.name))
			err = counters_add_row(c, &zero);
		else
			err = 0;
		if (err)
			return err;
	}
	return 0;
}

static int read_one_by_one(struct source *src, const struct detection *d, struct counters *c)
{
	for (size_t i = 0; i < reasons_defined(d->vendor); i++) {
		int err = read_reason(src, d, reason_nth(d->vendor, i), c);

		if (err)
			return err;
	}
	return 0;
}

static int read_unlisted(struct source *src, struct counters *c)
{
	struct counter row = { .name = "UNLISTED" };
	int err = read_record(src, KVM_EXIT_STATS_CPUID_UNLISTED, 0,
			      &row.exits, &row.cycles, NULL);

	return err ? err : counters_add_row(c, &row);
}

static int read_totals(struct source *src, struct counters *c)
{
	int err = 0;

	c->reads_at_total = src->reads + 1;
	if (c->wide)
		err = read_record(src, KVM_EXIT_STATS_CPUID_TOTAL_RECORD, 0,
				  &c->exits, &c->cycles, NULL);
	if (!err && c->has_away)
		err = read_away(src, KVM_EXIT_STATS_CPUID_TOTAL_AWAY, 0, &c->away);
	c->reads_at_required = src->reads + 1;
	if (!err)
		err = read_required(src, KVM_EXIT_STATS_CPUID_TOTAL_COUNT,
				    KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, 0,
				    &c->leaf_exits, &c->leaf_cycles, NULL);
	if (!c->wide)
		c->reads_at_total = c->reads_at_required;
	if (!err && !c->wide) {
		c->exits = c->leaf_exits;
		c->cycles = c->leaf_cycles;
	}
	return err;
}

static int by_cost(const void *left, const void *right)
{
	const struct counter *a = left, *b = right;

	if (a->cycles != b->cycles)
		return a->cycles < b->cycles ? 1 : -1;
	if (a->exits != b->exits)
		return a->exits < b->exits ? 1 : -1;
	if (a->listed != b->listed)
		return a->listed ? -1 : 1;
	return a->reason < b->reason ? -1 : a->reason > b->reason;
}

struct counter *counters_find(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->nr_rows; i++)
		if (!strcmp(c->rows[i].name, name))
			return &c->rows[i];
	return NULL;
}

/*
 * What the reads cost: the cycles that came on top of CPUID's row since it was
 * read.  The required leaf has them too, so that a recording keeps both answers.
 * Without records that leaf is the row itself, and the mean must do.
 */
static int read_own_cost(struct source *src, struct counters *c)
{
	const struct counter *cpuid = counters_find(c, CPUID_ROW);
	struct cpuid_regs r;
	uint64_t cycles;
	int err;

	if (!cpuid || !cpuid->exits)
		return 0;
	if (!c->wide || !c->offers_reasons) {
		c->own.cycles_per_exit = (double)cpuid->cycles / cpuid->exits;
		return 0;
	}
	err = source_read(src, KVM_EXIT_STATS_CPUID_REASON_CYCLES, cpuid->reason, &r);
	if (err)
		return err;
	cycles = join(r.ebx, r.ecx);
	/* Less, after a move: whoever sees that drops all of it. */
	if (cycles > cpuid->cycles)
		c->own.cycles_per_exit = (double)(cycles - cpuid->cycles) /
					 (src->reads - c->reads_at_cpuid);
	return 0;
}

void counters_sort(struct counters *c)
{
	if (c->nr_rows)
		qsort(c->rows, c->nr_rows, sizeof(*c->rows), by_cost);
}

static int counters_read(struct source *src, const struct detection *d, struct counters *c)
{
	int err = 0;

	*c = (struct counters){
		.tsc_khz = d->tsc_khz, .vcpus = d->vcpus,
		.wide = d->features & KVM_EXIT_STATS_FEATURE_RECORDS,
		.offers_reasons = d->features & KVM_EXIT_STATS_FEATURE_REASONS,
		.has_away = d->features & KVM_EXIT_STATS_FEATURE_AWAY,
	};

	if (!c->wide && !c->offers_reasons)
		;	/* Nothing is told reason by reason. */
	else if (d->features & KVM_EXIT_STATS_FEATURE_BITMAP)
		err = read_by_bitmap(src, d, c);
	else
		err = read_one_by_one(src, d, c);
	if (!err && d->features & KVM_EXIT_STATS_FEATURE_UNLISTED)
		err = read_unlisted(src, c);
	if (!err)
		err = read_totals(src, c);
	if (!err)
		err = read_own_cost(src, c);
	if (err)
		counters_free(c);
	else
		counters_sort(c);
	return err;
}

/* Reads are exits if CPUID counts at all. */
static void set_own_cost(struct own_cost *own, uint64_t reads, const struct counter *cpuid)
{
	own->exits = cpuid && cpuid->exits ? reads : 0;
	own->cycles = own->cycles_per_exit * own->exits;
}

int probe(struct source *src, struct detection *d, struct counters *c)
{
	int err;

	*c = (struct counters){ 0 };
	for (int attempt = 0; attempt < 2; attempt++) {
		uint64_t reads = src->reads;
		bool same = false;

		err = detect(src, d);
		if (err || !has_counters(d))
			return err;
		err = counters_read(src, d, c);
		if (!err)
			err = still_same_machine(src, d, &same);
		if (!err && same) {
			set_own_cost(&c->own, src->reads - reads, counters_find(c, CPUID_ROW));
			return 0;
		}
		counters_free(c);
		/* If CPUID faults by now, detecting once more tells so. */
		if (err && err != -EACCES)
			return err;
	}
	return -EAGAIN;
}

/* What was added to one counter; false if it went backwards. */
static bool advance(bool wide, uint64_t before, uint64_t after, uint64_t *diff)
{
	/* One wrap cannot be told from none, two not from one: read often enough. */
	*diff = wide ? after - before : (uint32_t)(after - before);
	return !wide || after >= before;
}

static void subtract_own(uint64_t *counter, uint64_t own)
{
	*counter -= own < *counter ? own : *counter;
}

static bool subtract_row(const struct counters *before, const struct counter *row, bool wide,
			 struct counter *diff)
{
	const struct counter none = { 0 }, *earlier = &none;

	for (size_t i = 0; i < before->nr_rows; i++)
		if (before->rows[i].listed == row->listed && before->rows[i].reason == row->reason)
			earlier = &before->rows[i];
	*diff = *row;
	return advance(wide, earlier->exits, row->exits, &diff->exits) &&
	       advance(true, earlier->cycles, row->cycles, &diff->cycles) &&
	       advance(true, earlier->away, row->away, &diff->away);
}

static int subtract_rows(const struct counters *before, const struct counters *after,
			 struct counters *diff)
{
	for (size_t i = 0; i < after->nr_rows; i++) {
		struct counter row;

		if (!subtract_row(before, &after->rows[i], after->wide, &row))
			return -ESTALE;
		if (!strcmp(row.name, CPUID_ROW)) {
			/* An estimate that leaves no cycles to the others is off: as many for each. */
			if (row.exits > diff->own.exits && diff->own.cycles >= row.cycles)
				diff->own.cycles = (double)row.cycles * diff->own.exits / row.exits;
			subtract_own(&row.exits, diff->own.exits);
			subtract_own(&row.cycles, diff->own.cycles);
			subtract_own(&row.away, diff->own.cycles);
			/* Or it leaves cycles of exits that were none. */
			if (!row.exits)
				row.cycles = row.away = 0;
		}
		if (counters_add_row(diff, &row))
			return -ENOMEM;
	}
	counters_sort(diff);
	return 0;
}

int counters_subtract(const struct counters *before, const struct counters *after,
		      struct counters *diff)
{
	uint64_t own_in_total = after->reads_at_total - before->reads_at_total;
	uint64_t required;
	int err = -ESTALE;

	*diff = (struct counters){
		.wide = after->wide, .has_away = after->has_away,
		.tsc_khz = after->tsc_khz, .vcpus = after->vcpus,
	};
	if (before->own.exits && after->own.exits) {
		/* The later reading is as good a measure of what one costs as the earlier. */
		diff->own.cycles_per_exit = after->own.cycles_per_exit;
		set_own_cost(&diff->own, after->reads_at_cpuid - before->reads_at_cpuid,
			     counters_find(after, CPUID_ROW));
	} else {
		own_in_total = 0;
	}

	if (before->wide == after->wide && before->has_away == after->has_away &&
	    advance(after->wide, before->exits, after->exits, &diff->exits) &&
	    advance(true, before->cycles, after->cycles, &diff->cycles) &&
	    advance(true, before->away, after->away, &diff->away))
		err = subtract_rows(before, after, diff);
	if (err) {
		counters_free(diff);
		return err;
	}
	subtract_own(&diff->exits, own_in_total);
	subtract_own(&diff->cycles, diff->own.cycles);
	subtract_own(&diff->away, diff->own.cycles);
	advance(false, before->leaf_exits, after->leaf_exits, &required);
	diff->leaf_exits = required;
	advance(true, before->leaf_cycles, after->leaf_cycles, &diff->leaf_cycles);
	return 0;
}

void counters_free(struct counters *c)
{
	free(c->rows);
	*c = (struct counters){ 0 };
}

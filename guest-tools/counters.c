// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "counters.h"

static uint64_t join(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

static int add_row(struct counters *c, const struct counter *row)
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
	bool defined;
	int err;

	reason_name(d->vendor, reason, row.name);
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
	if (err)
		return err;
	if (!defined)
		return 0;
	if (c->has_away) {
		err = read_away(src, KVM_EXIT_STATS_CPUID_AWAY, reason, &row.away);
		if (err)
			return err;
	}
	return add_row(c, &row);
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
			err = add_row(c, &zero);
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

	return err ? err : add_row(c, &row);
}

static int read_totals(struct source *src, struct counters *c)
{
	int err = 0;

	if (c->wide)
		err = read_record(src, KVM_EXIT_STATS_CPUID_TOTAL_RECORD, 0,
				  &c->exits, &c->cycles, NULL);
	if (!err && c->has_away)
		err = read_away(src, KVM_EXIT_STATS_CPUID_TOTAL_AWAY, 0, &c->away);
	if (!err)
		err = read_required(src, KVM_EXIT_STATS_CPUID_TOTAL_COUNT,
				    KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, 0,
				    &c->leaf_exits, &c->leaf_cycles, NULL);
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

static int counters_read(struct source *src, const struct detection *d, struct counters *c)
{
	int err = 0;

	*c = (struct counters){
		.wide = d->features & KVM_EXIT_STATS_FEATURE_RECORDS,
		.has_away = d->features & KVM_EXIT_STATS_FEATURE_AWAY,
	};

	if (!c->wide && !(d->features & KVM_EXIT_STATS_FEATURE_REASONS))
		;	/* Nothing is told reason by reason. */
	else if (d->features & KVM_EXIT_STATS_FEATURE_BITMAP)
		err = read_by_bitmap(src, d, c);
	else
		err = read_one_by_one(src, d, c);
	if (!err && d->features & KVM_EXIT_STATS_FEATURE_UNLISTED)
		err = read_unlisted(src, c);
	if (!err)
		err = read_totals(src, c);
	if (err)
		counters_free(c);
	else if (c->nr_rows)
		qsort(c->rows, c->nr_rows, sizeof(*c->rows), by_cost);
	return err;
}

int probe(struct source *src, struct detection *d, struct counters *c)
{
	int err;

	*c = (struct counters){ 0 };
	for (int attempt = 0; attempt < 2; attempt++) {
		struct detection after;

		err = detect(src, d);
		if (err || !has_counters(d))
			return err;
		err = counters_read(src, d, c);
		/* Detecting once more also tells the result if CPUID faults by now. */
		if (err && err != -EACCES)
			return err;
		if (!err)
			err = detect(src, &after);
		if (!err && same_machine(d, &after))
			return 0;
		counters_free(c);
		if (err && err != -EACCES)
			return err;
	}
	return -EAGAIN;
}

void counters_free(struct counters *c)
{
	free(c->rows);
	*c = (struct counters){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the leaves inside a guest, and what a table of them must be in itself. */
#ifndef LEAVES_H
#define LEAVES_H

#include <stddef.h>
#include <stdint.h>

#include "reasons.h"
#include "vm.h"

/* guest_cpuid's unit of work. */
struct leaf_read {
	uint32_t leaf, index;
	uint32_t eax, ebx, ecx, edx;
};

#define MAX_READS	(VCPU_DATA_SIZE / sizeof(struct leaf_read))

/* n CPUIDs in a row, nothing between them; costs one port I/O exit after the last. */
void read_leaves(struct vcpu *v, struct leaf_read *reads, size_t n);
struct leaf_read read_leaf(struct vcpu *v, uint32_t leaf, uint32_t index);

/* Registers that join to one counter: of the extended leaves, and of the required ones. */
static inline uint64_t low_high(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static inline uint64_t leaf_cycles(const struct leaf_read *r)
{
	return low_high(r->ecx, r->ebx);
}

/* Of leaf 0x4FFFFF00: EBX, ECX, EDX. */
bool leaf_is_signature(const struct leaf_read *r);

/*
 * All counts of a VM as they were just before the table was read: what its own CPUIDs add is taken out.  Only
 * the host may have added to it meanwhile: "disturbed" says how many exits.
 */
struct table {
	uint32_t total;
	uint32_t count[MAX_REASONS];	/* by position in vendor->reasons */
	uint32_t sum;
	uint32_t reads;			/* CPUIDs that the next table will count */
	uint32_t disturbed;
};

void read_table(struct vcpu *v, const struct vendor *vendor, struct table *t);
/* As read_table(), until the host did not disturb: 0, or -1 if it always does. */
int read_quiet_table(struct vcpu *v, const struct vendor *vendor, struct table *t);
uint32_t table_count(const struct table *t, const struct vendor *vendor, uint32_t reason);

/* All times of a VM, in ticks of the host's TSC. */
struct cycles_table {
	uint64_t cycles[MAX_REASONS], aways[MAX_REASONS];	/* by position in vendor->reasons */
	uint64_t total, away;
	uint32_t reads;			/* CPUIDs that it took */
};

/* The extended leaves must be there.  What the CPUIDs take is in those after them. */
void read_cycles_table(struct vcpu *v, const struct vendor *vendor, struct cycles_table *t);

#endif

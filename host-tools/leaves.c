// SPDX-License-Identifier: GPL-2.0-or-later
#include "leaves.h"

#include <string.h>

#include <asm/kvm_exit_stats.h>

/* At 250 host ticks a second even a slow emulator reads a table between two of them after a few attempts. */
#define MAX_ATTEMPTS	100

_Static_assert(sizeof(struct leaf_read) == 24, "guest_cpuid's stride");

void read_leaves(struct vcpu *v, struct leaf_read *reads, size_t n)
{
	memcpy(vcpu_data(v), reads, n * sizeof(*reads));
	vcpu_call(v, (struct guest_call){ guest_cpuid, .rdi = vcpu_data_gpa(v), .r8 = n });
	memcpy(reads, vcpu_data(v), n * sizeof(*reads));
}

struct leaf_read read_leaf(struct vcpu *v, uint32_t leaf, uint32_t index)
{
	struct leaf_read r = { .leaf = leaf, .index = index };

	read_leaves(v, &r, 1);
	return r;
}

bool leaf_is_signature(const struct leaf_read *r)
{
	const uint32_t registers[] = { r->ebx, r->ecx, r->edx };

	return !memcmp(registers, KVM_EXIT_STATS_SIGNATURE, sizeof(registers));
}

/*
 * In order: the total, the CPUID reason, the other reasons, the total again.  So the first total has counted one
 * of our CPUIDs, the CPUID reason two of them, the other reasons none, and the last total all.
 */
void read_table(struct vcpu *v, const struct vendor *vendor, struct table *t)
{
	struct leaf_read reads[MAX_REASONS + 3];
	uint32_t n = 0;
	int i;

	reads[n++] = (struct leaf_read){ .leaf = KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	reads[n++] = (struct leaf_read){ .leaf = KVM_EXIT_STATS_CPUID_REASON_COUNT, .index = vendor->cpuid };
	for (i = 0; i < vendor->nr; i++)
		reads[n++] = (struct leaf_read){
			.leaf = KVM_EXIT_STATS_CPUID_REASON_COUNT, .index = vendor->reasons[i],
		};
	reads[n++] = (struct leaf_read){ .leaf = KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	read_leaves(v, reads, n);

	t->reads = n;
	t->total = reads[0].eax - 1;
	t->disturbed = reads[n - 1].eax - n - t->total;
	t->sum = 0;
	for (i = 0; i < vendor->nr; i++) {
		t->count[i] = vendor->reasons[i] == vendor->cpuid ? reads[1].eax - 2 : reads[i + 2].eax;
		t->sum += t->count[i];
	}
}

int read_quiet_table(struct vcpu *v, const struct vendor *vendor, struct table *t)
{
	int attempts = MAX_ATTEMPTS;

	do {
		read_table(v, vendor, t);
	} while (t->disturbed && --attempts);
	return t->disturbed ? -1 : 0;
}

uint32_t table_count(const struct table *t, const struct vendor *vendor, uint32_t reason)
{
	int i;

	for (i = 0; i < vendor->nr; i++)
		if (vendor->reasons[i] == reason)
			return t->count[i];
	return 0;
}

void read_cycles_table(struct vcpu *v, const struct vendor *vendor, struct cycles_table *t)
{
	struct leaf_read reads[2 * MAX_REASONS + 2], *aways = reads + vendor->nr, *totals = aways + vendor->nr;
	int i;

	for (i = 0; i < vendor->nr; i++) {
		reads[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, vendor->reasons[i] };
		aways[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_AWAY, vendor->reasons[i] };
	}
	totals[0] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	totals[1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_AWAY };
	t->reads = 2 * vendor->nr + 2;
	read_leaves(v, reads, t->reads);
	for (i = 0; i < vendor->nr; i++) {
		t->cycles[i] = leaf_cycles(&reads[i]);
		t->aways[i] = low_high(aways[i].eax, aways[i].ebx);
	}
	t->total = leaf_cycles(&totals[0]);
	t->away = low_high(totals[1].eax, totals[1].ebx);
}

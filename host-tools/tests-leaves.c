// SPDX-License-Identifier: GPL-2.0-or-later
/* What the required leaves must be in themselves: docs/abi.md section 1. */
#include <stdlib.h>
#include <string.h>

#include <asm/kvm_exit_stats.h>

#include "tests.h"

static enum verdict bad_register(const struct ctx *c, const struct leaf_read *r, const char *what)
{
	return fail("leaf %#x, ECX %s: EAX=%#x EBX=%#x ECX=%#x EDX=%#x: %s", r->leaf,
		    reason_name(c->vendor, r->index), r->eax, r->ebx, r->ecx, r->edx, what);
}

static enum verdict check_zeros(const struct ctx *c, const struct leaf_read *r)
{
	switch (r->leaf) {
	case KVM_EXIT_STATS_CPUID_TOTAL_COUNT:
	case KVM_EXIT_STATS_CPUID_REASON_COUNT:
		if (r->ebx || r->ecx || r->edx)
			return bad_register(c, r, "EBX, ECX and EDX must be 0");
		return PASS;
	default:
		if (r->eax || r->edx)
			return bad_register(c, r, "EAX and EDX must be 0");
		return PASS;
	}
}

enum verdict test_registers(struct ctx *c, const struct test *test)
{
	static const uint32_t indexes[] = { 0, 1, 10, 0x72, 0xffff, 0x80000021, 0xffffffff };
	const size_t nr_indexes = sizeof(indexes) / sizeof(indexes[0]);
	struct vm *vm = new_vm(c, VM_IRQCHIP, 1);
	struct leaf_read reads[2 * (MAX_REASONS + 8)];
	size_t n = 0, i;

	prepare_mix(c, &vm->vcpus[0]);
	run_mix(c, &vm->vcpus[0], 10);
	for (i = 0; i < nr_indexes; i++) {
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT, indexes[i] };
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, indexes[i] };
	}
	for (i = 0; i < (size_t)c->vendor->nr; i++) {
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->reasons[i] };
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, c->vendor->reasons[i] };
	}
	read_leaves(&vm->vcpus[0], reads, n);
	for (i = 0; i < n; i++)
		if (check_zeros(c, &reads[i]) == FAIL)
			return FAIL;
	for (i = 0; i < 2 * nr_indexes; i += 2)
		if (!reads[i].eax || !leaf_cycles(&reads[i + 1]))
			return fail("the total is 0 with ECX=%#x, which leaves 0x4ffffffc and 0x4ffffffd must ignore",
				    reads[i].index);
	return PASS;
}

static enum verdict check_undefined(const struct ctx *c, const struct leaf_read *r)
{
	if (reason_is_defined(c->vendor, r->index))
		return check_zeros(c, r);
	if (r->eax || r->ebx || r->ecx || r->edx != KVM_EXIT_STATS_UNDEFINED)
		return bad_register(c, r, "an undefined reason's are 0, 0, 0 and 0xffffffff");
	return PASS;
}

/* Both leaves of n values of ECX. */
static enum verdict check_indexes(const struct ctx *c, struct vcpu *v, const uint32_t *indexes, size_t n)
{
	struct leaf_read reads[MAX_READS];
	size_t batch, i;

	for (; n; n -= batch, indexes += batch) {
		batch = n < MAX_READS / 2 ? n : MAX_READS / 2;
		for (i = 0; i < batch; i++) {
			reads[2 * i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, indexes[i] };
			reads[2 * i + 1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, indexes[i] };
		}
		read_leaves(v, reads, 2 * batch);
		for (i = 0; i < 2 * batch; i++)
			if (check_undefined(c, &reads[i]) == FAIL)
				return FAIL;
	}
	return PASS;
}

enum verdict test_undefined(struct ctx *c, const struct test *test)
{
	static const uint32_t both[] = { 0xffff, 0x80000021, 0x10000 + 10, 0x10072, 0x80000000, 0x7fffffff };
	enum { NR_LOW = 0x500 };
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	size_t n = 0, i, nr_random = c->iterations;
	enum verdict verdict;
	uint32_t *indexes, random = 1;

	indexes = calloc(NR_LOW + 64 + c->vendor->nr + nr_random, sizeof(*indexes));
	if (!indexes)
		bail_out("out of memory");
	/* The lists first: what they name must be undefined, whatever our table says. */
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		indexes[n++] = both[i];
	for (i = 0; i < (size_t)c->vendor->nr_undefined; i++)
		indexes[n++] = c->vendor->undefined[i];
	for (i = 0; i < n; i++)
		if (reason_is_defined(c->vendor, indexes[i]))
			bail_out("the patch's table defines %#x", indexes[i]);
	for (i = 0; i < NR_LOW; i++)
		indexes[n++] = i;
	for (i = 0; i < 32; i++)
		indexes[n++] = 1u << i;
	/* A defined reason with flags is no defined reason. */
	for (i = 0; i < (size_t)c->vendor->nr; i++)
		indexes[n++] = c->vendor->reasons[i] ^ 0x80000000;
	for (i = 0; i < nr_random; i++) {
		/* Knuth's, the same in each run */
		random = random * 1664525 + 1013904223;
		indexes[n++] = random;
	}
	verdict = check_indexes(c, v, indexes, n);
	free(indexes);
	return verdict;
}

enum verdict test_never_taken(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	struct leaf_read r[2];
	int i;

	prepare_mix(c, v);
	run_mix(c, v, 10);
	for (i = 0; i < c->vendor->nr_never_taken; i++) {
		r[0] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->never_taken[i] };
		r[1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, c->vendor->never_taken[i] };
		read_leaves(v, r, 2);
		if (r[0].eax | r[0].ebx | r[0].ecx | r[0].edx)
			return bad_register(c, &r[0], "must be 0 in all four");
		if (r[1].eax | r[1].ebx | r[1].ecx | r[1].edx)
			return bad_register(c, &r[1], "must be 0 in all four");
	}
	return PASS;
}

/* n reads of one leaf, with the external interrupts counted before and after. */
static enum verdict consecutive(const struct ctx *c, struct vcpu *v, uint32_t leaf, uint32_t index, size_t n,
				bool *quiet)
{
	struct leaf_read reads[MAX_READS + 1];
	uint32_t first, last;
	size_t i;

	reads[0] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	for (i = 1; i <= n; i++)
		reads[i] = (struct leaf_read){ leaf, index };
	reads[n + 1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	read_leaves(v, reads, n + 2);
	first = reads[0].eax;
	last = reads[n + 1].eax;
	/* n + 1 CPUIDs from one total to the other: more are the host's. */
	*quiet = last - first == n + 1;
	if ((int32_t)(last - first) < (int32_t)n + 1)
		return fail("%zu CPUIDs raised the total by %u", n + 1, last - first);
	for (i = 2; i <= n; i++) {
		uint32_t step = reads[i].eax - reads[i - 1].eax;
		bool exact = leaf == KVM_EXIT_STATS_CPUID_REASON_COUNT || *quiet;

		if (exact ? step != 1 : !step || step > last - first - n)
			return fail("leaf %#x, ECX %s: %u after %u, in reads in a row", leaf,
				    reason_name(c->vendor, index), reads[i].eax, reads[i - 1].eax);
	}
	return PASS;
}

enum verdict test_consecutive(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	size_t n = 256;
	bool quiet = false;
	int i;

	if (consecutive(c, v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->cpuid, n, &quiet) == FAIL)
		return FAIL;
	for (i = 0; i < 100; i++) {
		if (consecutive(c, v, KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0, n, &quiet) == FAIL)
			return FAIL;
		if (quiet)
			return PASS;
		/* Fewer at a time on a host that never lets that many pass. */
		if (n > 8)
			n /= 2;
	}
	return skip("the host interrupts the guest too often to read the total undisturbed");
}

enum verdict test_sum(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	struct table t;
	int i;

	prepare_mix(c, v);
	for (i = 0; i < 10; i++) {
		run_mix(c, v, 10);
		read_table(v, c->vendor, &t);
		if (check_table(&t) == FAIL)
			return FAIL;
	}
	if (read_quiet_table(v, c->vendor, &t))
		return skip("the host interrupts the guest too often to read a table undisturbed");
	if (t.sum != t.total)
		return fail("the total is %u, the sum over reasons %u", t.total, t.sum);
	verbose("total and sum: %u", t.total);
	return PASS;
}

struct cycles {
	uint64_t before, sum, after;
	uint64_t cycles[MAX_REASONS];
	uint32_t count[MAX_REASONS];
};

static void read_cycles(const struct ctx *c, struct vcpu *v, struct cycles *t)
{
	struct leaf_read reads[2 * MAX_REASONS + 2];
	size_t n = 0;
	int i;

	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	for (i = 0; i < c->vendor->nr; i++) {
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, c->vendor->reasons[i] };
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->reasons[i] };
	}
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	read_leaves(v, reads, n);
	t->before = leaf_cycles(&reads[0]);
	t->after = leaf_cycles(&reads[n - 1]);
	t->sum = 0;
	for (i = 0; i < c->vendor->nr; i++) {
		t->cycles[i] = leaf_cycles(&reads[1 + 2 * i]);
		t->count[i] = reads[2 + 2 * i].eax;
		t->sum += t->cycles[i];
	}
}

enum verdict test_cycles(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	const struct vendor *vendor = c->vendor;
	struct cycles last, now;
	int round, i;

	prepare_mix(c, v);
	read_cycles(c, v, &last);
	for (round = 0; round < 10; round++) {
		run_mix(c, v, 10);
		read_cycles(c, v, &now);
		if (now.before < last.after || now.after < now.before)
			return fail("total cycles went back");
		if (now.after == last.after)
			return fail("total cycles stand still");
		if (now.sum < now.before || now.sum > now.after)
			return fail("total cycles were %llu, then %llu, and the sum over reasons in between %llu",
				    (unsigned long long)now.before, (unsigned long long)now.after,
				    (unsigned long long)now.sum);
		for (i = 0; i < vendor->nr; i++) {
			const char *name = reason_name(vendor, vendor->reasons[i]);

			if (now.cycles[i] < last.cycles[i])
				return fail("%s: cycles went back", name);
			if ((int32_t)(now.count[i] - last.count[i]) < 0)
				return fail("%s: the count went back", name);
			/* Cycles were read first: one exit more would not be in them. */
			if (last.count[i] && !now.cycles[i])
				return fail("%s: %u exits and no cycles", name, now.count[i]);
			if (!now.count[i] && now.cycles[i])
				return fail("%s: cycles without an exit", name);
		}
		last = now;
	}
	return PASS;
}

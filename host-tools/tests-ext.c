// SPDX-License-Identifier: GPL-2.0-or-later
/* The extended leaves: docs/abi.md section 2. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <asm/kvm_exit_stats.h>

#include "tests.h"

#define MAX_ATTEMPTS	100
#define SLEEP_MS	50

/* A vCPU of a VM with some exits behind it. */
static struct vcpu *used_vcpu(struct ctx *c)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];

	prepare_mix(c, v);
	run_mix(c, v, 100);
	return v;
}

static uint32_t features(struct vcpu *v)
{
	return read_leaf(v, KVM_EXIT_STATS_CPUID_FEATURES, 0).ebx;
}

static enum verdict check_all(const struct leaf_read *r, uint32_t value)
{
	if (r->eax != value || r->ebx != value || r->ecx != value || r->edx != value)
		return fail("leaf %#x, ECX=%#x: EAX=%#x EBX=%#x ECX=%#x EDX=%#x: all must be %#x", r->leaf, r->index,
			    r->eax, r->ebx, r->ecx, r->edx, value);
	return PASS;
}

enum verdict test_ext_class(struct ctx *c, const struct test *test)
{
	struct vcpu *v = used_vcpu(c);
	struct leaf_read r;
	char signature[13] = "";
	uint32_t leaf;

	r = read_leaf(v, KVM_EXIT_STATS_CPUID_BASE, 0);
	memcpy(signature, &r.ebx, 4);
	memcpy(signature + 4, &r.ecx, 4);
	memcpy(signature + 8, &r.edx, 4);
	if (r.eax != KVM_EXIT_STATS_CPUID_LAST || strcmp(signature, KVM_EXIT_STATS_SIGNATURE))
		return fail("leaf %#x: last leaf %#x, signature \"%s\"", r.leaf, r.eax, signature);

	r = read_leaf(v, KVM_EXIT_STATS_CPUID_FEATURES, 0);
	verbose("version %u, features %#x, TSC %u kHz, vendor %u", r.eax, r.ebx, r.ecx, r.edx);
	if (r.eax != KVM_EXIT_STATS_VERSION)
		return fail("version %u, this program knows %u", r.eax, KVM_EXIT_STATS_VERSION);
	if (!(r.ebx & KVM_EXIT_STATS_FEATURE_REASONS))
		return fail("features %#x lack the per-reason leaves, which are there", r.ebx);
	/* The kernel refines its calibration, by 1 % at most, when KVM may already have been loaded. */
	if (r.ecx < vcpu_tsc_khz(v) - vcpu_tsc_khz(v) / 100 || r.ecx > vcpu_tsc_khz(v) + vcpu_tsc_khz(v) / 100)
		return fail("TSC: %u kHz, KVM says %llu", r.ecx, (unsigned long long)vcpu_tsc_khz(v));
	if (r.edx != c->vendor->id)
		return fail("vendor %u on %s", r.edx, c->vendor->name);

	for (leaf = KVM_EXIT_STATS_CPUID_UNLISTED + 1; leaf < KVM_EXIT_STATS_CPUID_TOTAL_COUNT; leaf++) {
		r = read_leaf(v, leaf, leaf & 1 ? 0 : c->vendor->cpuid);
		if (check_all(&r, 0) == FAIL)
			return FAIL;
	}
	return PASS;
}

enum verdict test_ext_bitmap(struct ctx *c, const struct test *test)
{
	enum { NR_LEAVES = NR_INDEXES / 128 + 1 };	/* one more than there are bits for */
	struct vcpu *v = used_vcpu(c);
	uint32_t bits[NR_LEAVES * 4], expected[NR_LEAVES * 4];
	struct leaf_read r[NR_LEAVES + 1];
	struct table t;
	int i, index;

	if (!(features(v) & KVM_EXIT_STATS_FEATURE_BITMAP))
		return skip("this kernel has no bitmap leaf");
	for (i = 0; i < NR_LEAVES; i++)
		r[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_BITMAP, i };
	/* No row, however large ECX is. */
	r[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_BITMAP, 0xffffffff };
	/* All reasons that a VM takes while it reads have been there before: no bit can come between. */
	if (read_quiet_table(v, c->vendor, &t))
		return skip("the host interrupts the guest too often to read a table undisturbed");
	read_leaves(v, r, NR_LEAVES + 1);
	memset(expected, 0, sizeof(expected));
	for (i = 0; i < NR_LEAVES; i++)
		memcpy(&bits[i * 4], &r[i].eax, 16);
	for (i = 0; i < c->vendor->nr; i++) {
		index = reason_index(c->vendor, c->vendor->reasons[i]);
		if (t.count[i])
			expected[index / 32] |= 1u << index % 32;
		/* Unless the host did just then what it had not done before. */
		else if (reason_is_host_caused(c->vendor, c->vendor->reasons[i]))
			expected[index / 32] |= bits[index / 32] & 1u << index % 32;
	}
	for (i = 0; i < NR_LEAVES * 4; i++)
		if (bits[i] != expected[i])
			return fail("bits %#x to %#x are %#x, the reasons with exits %#x", i * 32, i * 32 + 31, bits[i],
				    expected[i]);
	return check_all(&r[NR_LEAVES], 0);
}

enum { COUNT, CYCLES, RECORD, AGAIN, NR_RECORD_READS };

/* FE, FF, 03, FE of one reason in a row. */
static enum verdict check_record(struct ctx *c, struct vcpu *v, uint32_t reason)
{
	const char *name = reason_name(c->vendor, reason);
	struct leaf_read r[NR_RECORD_READS];
	uint64_t cycles;
	int i;

	for (i = 0; i < MAX_ATTEMPTS; i++) {
		r[COUNT] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, reason };
		r[CYCLES] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, reason };
		r[RECORD] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_RECORD, reason };
		r[AGAIN] = r[COUNT];
		read_leaves(v, r, NR_RECORD_READS);
		if (reason == c->vendor->cpuid) {
			if (r[RECORD].eax != r[COUNT].eax + 2)
				return fail("%s: the record has %u exits, the leaf before it %u, 2 CPUIDs earlier",
					    name, r[RECORD].eax, r[COUNT].eax);
		} else if (r[COUNT].eax != r[AGAIN].eax) {
			continue;	/* the host's */
		} else if (r[RECORD].eax != r[COUNT].eax) {
			return fail("%s: the record has %u exits, leaf %#x %u", name, r[RECORD].eax, r[COUNT].leaf,
				    r[COUNT].eax);
		}
		cycles = low_high(r[RECORD].ecx, r[RECORD].edx);
		if (reason == c->vendor->cpuid ? cycles < leaf_cycles(&r[CYCLES]) : cycles != leaf_cycles(&r[CYCLES]))
			return fail("%s: the record has %llu cycles, leaf %#x %llu", name, (unsigned long long)cycles,
				    r[CYCLES].leaf, (unsigned long long)leaf_cycles(&r[CYCLES]));
		if (r[RECORD].ebx)
			return fail("%s: the record has more than 2^32 exits", name);
		return PASS;
	}
	return skip("%s: the host causes too many to compare", name);
}

enum verdict test_ext_record(struct ctx *c, const struct test *test)
{
	static const uint32_t undefined[] = { 0xffff, 0x80000021, 0x10000 + 10 };
	struct vcpu *v = used_vcpu(c);
	enum verdict verdict;
	struct leaf_read r[3];
	int i;

	if (!(features(v) & KVM_EXIT_STATS_FEATURE_RECORDS))
		return skip("this kernel has no record leaves");
	for (i = 0; i < c->vendor->nr; i++) {
		verdict = check_record(c, v, c->vendor->reasons[i]);
		if (verdict != PASS)
			return verdict;
	}
	for (i = 0; i < c->vendor->nr_undefined + 3; i++) {
		r[0] = read_leaf(v, KVM_EXIT_STATS_CPUID_RECORD, i < 3 ? undefined[i] : c->vendor->undefined[i - 3]);
		if (check_all(&r[0], KVM_EXIT_STATS_UNDEFINED) == FAIL)
			return FAIL;
	}
	for (i = 0; i < MAX_ATTEMPTS; i++) {
		r[0] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
		r[1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_RECORD };
		r[2] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
		read_leaves(v, r, 3);
		if (r[2].eax != r[0].eax + 2)
			continue;
		if (r[1].eax != r[0].eax + 1 || r[1].ebx)
			return fail("the totals record has %llu exits, leaf %#x %u, one CPUID earlier",
				    (unsigned long long)low_high(r[1].eax, r[1].ebx), r[0].leaf, r[0].eax);
		break;
	}
	if (i == MAX_ATTEMPTS)
		return skip("the host interrupts the guest too often to compare the totals");
	r[0] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	r[1] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_RECORD };
	r[2] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	read_leaves(v, r, 3);
	if (low_high(r[1].ecx, r[1].edx) < leaf_cycles(&r[0]) || low_high(r[1].ecx, r[1].edx) > leaf_cycles(&r[2]))
		return fail("the totals record's cycles are not between those before and after it");
	return PASS;
}

enum verdict test_ext_away(struct ctx *c, const struct test *test)
{
	struct vcpu *v = used_vcpu(c);
	uint64_t before, after, asleep = SLEEP_MS * vcpu_tsc_khz(v), sum = 0;
	struct leaf_read r[2 * MAX_REASONS + 3];
	size_t n = 0, i;

	if (!(features(v) & KVM_EXIT_STATS_FEATURE_AWAY))
		return skip("this kernel has no away leaves");
	r[0] = read_leaf(v, KVM_EXIT_STATS_CPUID_AWAY, c->vendor->io);
	before = low_high(r[0].eax, r[0].ebx);
	v->io_delay_us = SLEEP_MS * 1000;
	load_pio_user.run(v, 1);
	v->io_delay_us = 0;
	r[0] = read_leaf(v, KVM_EXIT_STATS_CPUID_AWAY, c->vendor->io);
	after = low_high(r[0].eax, r[0].ebx);
	if (after - before < asleep)
		return fail("%llu away cycles counted, while the vCPU was away for %llu",
			    (unsigned long long)(after - before), (unsigned long long)asleep);

	r[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_AWAY };
	for (i = 0; i < (size_t)c->vendor->nr; i++) {
		r[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, c->vendor->reasons[i] };
		r[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_AWAY, c->vendor->reasons[i] };
	}
	r[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	r[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_AWAY };
	read_leaves(v, r, n);
	for (i = 1; i < n - 2; i += 2) {
		if (low_high(r[i + 1].eax, r[i + 1].ebx) < leaf_cycles(&r[i]))
			return fail("%s: fewer away cycles than cycles", reason_name(c->vendor, r[i].index));
		if (r[i + 1].ecx || r[i + 1].edx)
			return fail("leaf %#x: ECX and EDX must be 0", r[i + 1].leaf);
		sum += low_high(r[i + 1].eax, r[i + 1].ebx);
	}
	before = low_high(r[0].eax, r[0].ebx);
	after = low_high(r[n - 1].eax, r[n - 1].ebx);
	if (sum < before || sum > after)
		return fail("total away cycles were %llu, then %llu, and the sum over reasons in between %llu",
			    (unsigned long long)before, (unsigned long long)after, (unsigned long long)sum);
	if (after < leaf_cycles(&r[n - 2]))
		return fail("fewer away cycles than cycles in total");
	r[0] = read_leaf(v, KVM_EXIT_STATS_CPUID_AWAY, 0xffff);
	return check_all(&r[0], KVM_EXIT_STATS_UNDEFINED);
}

/*
 * Of random ids no two are alike, and none of the 32 bits is the same in all: by chance, once in a hundred million.
 * Ids that are counted up, or of the time, have such bits.
 */
static enum verdict random_instances(struct ctx *c)
{
	enum { VMS = 40 };
	uint32_t ids[VMS], all_ones = UINT32_MAX, any_ones = 0;
	int i, j;

	for (i = 0; i < VMS; i++) {
		ids[i] = read_leaf(&new_vm(c, 0, 1)->vcpus[0], KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax;
		destroy_vm(c);
		for (j = 0; j < i; j++)
			if (ids[i] == ids[j])
				return fail("two of %d VMs have the instance id %#x", i + 1, ids[i]);
		all_ones &= ids[i];
		any_ones |= ids[i];
	}
	if (all_ones || any_ones != UINT32_MAX)
		return fail("the instance ids of %d VMs have the bits %#x in common", VMS, all_ones | ~any_ones);
	return PASS;
}

enum verdict test_ext_instance(struct ctx *c, const struct test *test)
{
	struct vm *a = new_vm(c, 0, c->vcpus), *b = new_vm(c, 0, 1);
	struct leaf_read ra, rb, again;

	ra = read_leaf(&a->vcpus[0], KVM_EXIT_STATS_CPUID_INSTANCE, 0);
	if (!(features(&a->vcpus[0]) & KVM_EXIT_STATS_FEATURE_INSTANCE))
		return skip("this kernel has no instance leaf");
	rb = read_leaf(&b->vcpus[0], KVM_EXIT_STATS_CPUID_INSTANCE, 0);
	again = read_leaf(&a->vcpus[a->nr_vcpus - 1], KVM_EXIT_STATS_CPUID_INSTANCE, 0);
	if (!ra.eax || !rb.eax)
		return fail("an instance id is 0");
	if (ra.eax == rb.eax)
		return fail("two VMs have the instance id %#x", ra.eax);
	if (again.eax != ra.eax)
		return fail("the instance id was %#x, then %#x", ra.eax, again.eax);
	if (ra.ebx != (uint32_t)a->nr_vcpus || rb.ebx != 1)
		return fail("%u and %u vCPUs summed in VMs with %d and 1", ra.ebx, rb.ebx, a->nr_vcpus);
	if (ra.ecx || ra.edx)
		return fail("leaf %#x: ECX and EDX must be 0", ra.leaf);
	vm_add_vcpu(b);
	rb = read_leaf(&b->vcpus[0], KVM_EXIT_STATS_CPUID_INSTANCE, 0);
	if (rb.ebx != 2)
		return fail("%u vCPUs summed after a second was created", rb.ebx);
	destroy_vm(c);
	return random_instances(c);
}

enum verdict test_ext_unlisted(struct ctx *c, const struct test *test)
{
	struct vcpu *v = used_vcpu(c);
	struct leaf_read r;

	if (!(features(v) & KVM_EXIT_STATS_FEATURE_UNLISTED))
		return skip("this kernel has no leaf for reasons outside the table");
	r = read_leaf(v, KVM_EXIT_STATS_CPUID_UNLISTED, 0);
	return check_all(&r, 0);
}

/* docs/abi.md section 5. What each mode answers is test_privilege's. */
enum verdict test_vm_switch(struct ctx *c, const struct test *test)
{
	static const struct { uint64_t mode, junk; int error; } calls[] = {
		{ KVM_EXIT_STATS_MODE_MAX + 1, 0, EINVAL },
		{ UINT64_MAX, 0, EINVAL },
		{ 1ull << 32, 0, EINVAL },
		{ KVM_EXIT_STATS_MODE_ON, 1, EINVAL },
		{ KVM_EXIT_STATS_MODE_OFF, 0, 0 },
		{ KVM_EXIT_STATS_MODE_KERNEL, 0, 0 },
		{ KVM_EXIT_STATS_MODE_ON, 0, 0 },
	};
	struct kvm_enable_cap flagged = { .cap = KVM_CAP_EXIT_STATS, .flags = 1, .args = { KVM_EXIT_STATS_MODE_ON } };
	struct vm *vm;
	uint64_t mode;
	size_t i;

	/* Upstream's, numbered from 0, are some hundreds. */
	_Static_assert(KVM_CAP_EXIT_STATS > 0x10000, "a number that upstream may give to something else");
	vm = new_cold_vm(c, 0, 0);
	if (!ioctl(vm->fd, KVM_ENABLE_CAP, &flagged) || errno != EINVAL)
		return fail("a flag that means nothing is not refused");
	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_EXIT_STATS) != (1 << (KVM_EXIT_STATS_MODE_MAX + 1)) - 1)
		return fail("KVM_CHECK_EXTENSION does not offer modes 0 to %d", KVM_EXIT_STATS_MODE_MAX);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (vm_choose_mode(vm, calls[i].mode, calls[i].junk) != calls[i].error)
			return fail("mode %#llx, args[1] %llu: not error %d", (unsigned long long)calls[i].mode,
				    (unsigned long long)calls[i].junk, calls[i].error);
	destroy_vm(c);

	for (mode = 0; mode <= KVM_EXIT_STATS_MODE_MAX; mode++) {
		vm = new_cold_vm(c, 0, 0);
		if (vm_choose_mode(vm, mode, 0))
			return fail("mode %llu is refused", (unsigned long long)mode);
		vm_add_vcpu(vm);
		if (vm_choose_mode(vm, mode, 0) != EINVAL)
			return fail("mode %llu is not refused after the first vCPU", (unsigned long long)mode);
		destroy_vm(c);
	}
	return PASS;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exit of a kind costs from guest instruction to guest instruction, in ticks of the host's TSC; where the TSC
 * counts instructions, as in some emulators, that many instructions.
 */
#include <stdio.h>

#include <x86intrin.h>

#include "options.h"
#include "tests.h"

/* Of a pair of runs, one with twice the exits of the other, the difference is that of the exits alone. */
#define EXITS		50

struct kind {
	const char *name;
	const struct load *load;
	bool fresh;		/* a VM serves one run */
};

static const struct kind kinds[] = {
	{ "cpuid", &load_cpuid_hypervisor },
	{ "pio-kernel", &load_pio_kernel },
	{ "pio-user", &load_pio_user },
	{ "msr-write", &load_msr_write },
	{ "msr-write-fast", &load_tsc_deadline },
	{ "self-ipi-fast", &load_self_ipi },
	{ "hypercall", &load_hypercall },
	{ "hlt-user", &load_hlt_user },
	{ "hlt", &load_hlt },
	{ "page-fault", &load_page_fault, .fresh = true },
	{ "mmio-user", &load_mmio },
	{ "interrupt-window", &load_window },
};

static struct vcpu *bench_vcpu(struct ctx *c, const struct load *load)
{
	struct vcpu *v = &new_vm(c, load->vm_flags, 1)->vcpus[0];

	if (load->prepare)
		load->prepare(v);
	return v;
}

static uint64_t time_run(const struct load *load, struct vcpu *v, unsigned int n)
{
	uint64_t start = __rdtsc();
	const char *error = load->run(v, n);
	uint64_t end = __rdtsc();

	if (error)
		bail_out("%s: %s", load->name, error);
	return end - start;
}

static uint64_t time_fresh(struct ctx *c, const struct load *load, unsigned int n)
{
	uint64_t time = time_run(load, bench_vcpu(c, load), n);

	destroy_vm(c);
	return time;
}

/* The least is a run in which the host did nothing else; the next says how sure that is. */
struct least {
	uint64_t first, second;
};

static void add_time(struct least *l, uint64_t time)
{
	if (time < l->first) {
		l->second = l->first;
		l->first = time;
	} else if (time < l->second) {
		l->second = time;
	}
}

void bench(const struct vendor *vendor, unsigned int rounds)
{
	struct ctx c = { .vendor = vendor, .iterations = EXITS };
	unsigned int i;
	size_t k;

	printf("%-20s %12s %12s\n", "EXIT", "TICKS", "SPREAD");
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct least once = { UINT64_MAX, UINT64_MAX }, twice = once;
		const struct load *load = kinds[k].load;
		struct vcpu *v = NULL;

		if (load->unavailable && load->unavailable(vendor))
			continue;
		if (!kinds[k].fresh) {
			v = bench_vcpu(&c, load);
			time_run(load, v, EXITS);
		}
		for (i = 0; i < rounds; i++) {
			add_time(&once, v ? time_run(load, v, EXITS) : time_fresh(&c, load, EXITS));
			add_time(&twice, v ? time_run(load, v, 2 * EXITS) : time_fresh(&c, load, 2 * EXITS));
		}
		if (v)
			destroy_vm(&c);
		printf("%-20s %12.2f %12.2f\n", kinds[k].name, ((double)twice.first - (double)once.first) / EXITS,
		       (double)(twice.second - twice.first + once.second - once.first) / EXITS);
		fflush(stdout);
	}
}

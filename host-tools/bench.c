// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exit of a kind costs from guest instruction to guest instruction, in ticks of the host's TSC; where the TSC
 * counts instructions, as in some emulators, that many instructions.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <x86intrin.h>

#include "options.h"
#include "tap.h"
#include "tests.h"

/*
 * Of a pair of runs, one with twice the exits of the other, the difference is that of the exits alone.  Few, or each
 * run is hit by the host's timer.
 */
#define EXITS		10

/*
 * A HLT that blocks, without a stretch in which the processor idles: whoever is to wake the vCPU runs only while the
 * vCPU sleeps, on the same processor, and the vCPU takes it over at once.  The end of the interrupt at the LAPIC is a
 * second exit, where the processor does not do that itself.
 */
struct waker {
	struct vcpu *v;
	atomic_bool stop;
};

/* A priority of 0 is the usual policy. */
static int set_priority(int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

static const char *no_priorities(const struct vendor *vendor)
{
	if (set_priority(1))
		return "only root may set real-time priorities";
	set_priority(0);
	return NULL;
}

static void *wake(void *p)
{
	const struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR_IPI };
	struct waker *w = p;

	set_priority(1);
	while (!w->stop)
		if (ioctl(w->v->vm->fd, KVM_SIGNAL_MSI, &msi) < 0)
			bail_out("KVM_SIGNAL_MSI: %s", strerror(errno));
	return NULL;
}

static const char *run_hlt_wake(struct vcpu *v, unsigned int n)
{
	struct waker w = { .v = v };
	struct guest_result r;
	cpu_set_t before, one;
	pthread_t thread;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(before), &before) || sched_setaffinity(0, sizeof(one), &one))
		bail_out("sched_setaffinity: %s", strerror(errno));
	set_priority(2);
	if (pthread_create(&thread, NULL, wake, &w))
		bail_out("cannot create a thread");
	r = vcpu_call(v, (struct guest_call){ guest_hlt_wake, .r8 = n });
	w.stop = true;
	pthread_join(thread, NULL);
	set_priority(0);
	sched_setaffinity(0, sizeof(before), &before);
	return r.r15 == n ? NULL : "not each HLT was ended by one interrupt";
}

static const struct load load_hlt_wake = {
	.name = "hlt", .vm_flags = VM_IRQCHIP, .unavailable = no_priorities, .prepare = vcpu_timer_on,
	.run = run_hlt_wake,
};

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
	{ "hlt", &load_hlt_wake },
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

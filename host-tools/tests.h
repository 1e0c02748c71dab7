/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test is one row of the table in tests.c and one function.  The VMs that it makes with new_vm() are destroyed
 * after it, so that it can return at any point.
 */
#ifndef TESTS_H
#define TESTS_H

#include <stdbool.h>

#include "leaves.h"
#include "reasons.h"
#include "tap.h"
#include "vm.h"

#define MAX_TEST_VMS	4

struct ctx {
	const struct vendor *vendor;
	unsigned int iterations;
	int vcpus;
	bool extended;		/* the extended leaves are there */
	bool full;		/* --full */
	bool invasive;		/* --invasive */
	bool instruction_clock;	/* --instruction-clock */
	struct vm *vms[MAX_TEST_VMS];
	int nr_vms;
};

struct load;

struct test {
	const char *name;
	const char *what;
	enum verdict (*run)(struct ctx *c, const struct test *test);
	const struct load *load;
	bool smp;
	bool extended;		/* needs the extended leaves */
};

extern const struct test tests[];
extern const int nr_tests;

/* With everything mapped that calls need. */
struct vm *new_vm(struct ctx *c, unsigned int flags, int nr_vcpus);
struct vm *new_cold_vm(struct ctx *c, unsigned int flags, int nr_vcpus);
/* The last one made. */
void destroy_vm(struct ctx *c);

/* Something that exits in a known way. */
struct load {
	const char *name;
	unsigned int vm_flags;
	/* The member of struct vendor that holds the reason, and exits of it for each iteration. */
	size_t reason;
	bool call_each;		/* one vcpu_call() for each iteration, and not one for all */
	size_t also[4];		/* such members too: reasons of which the number of exits is open; ends with 0 */
	unsigned int max;	/* iterations on one vCPU; 0: no limit */
	/* Why it cannot be had here; NULL: it can. */
	const char *(*unavailable)(const struct vendor *vendor);
	void (*prepare)(struct vcpu *v);
	/* What is false if it does not do what it is to do; else NULL. */
	const char *(*run)(struct vcpu *v, unsigned int n);
};

extern const struct load load_cpuid, load_cpuid_hypervisor, load_own_leaf, load_pio_kernel, load_pio_user,
			 load_msr_write, load_msr_read, load_tsc_deadline, load_self_ipi, load_hypercall, load_hlt,
			 load_hlt_user, load_page_fault, load_window, load_mmio;

/*
 * @n HLTs, each ended by a timer after @us microseconds, as load_hlt's; for a vCPU after vcpu_timer_on().
 * Returns what is false if not one interrupt ended each, else NULL.
 */
const char *halt_for(struct vcpu *v, unsigned int n, uint64_t us);

uint32_t load_reason(const struct load *load, const struct ctx *c);
unsigned int load_iterations(const struct load *load, const struct ctx *c);
/* "0" or "1" or "Y" or "N" of a KVM module's parameter; -1 if it cannot be read. */
int module_parameter(const char *module, const char *name);

/* How many exits of each reason there should have been between two tables. */
struct expected {
	uint32_t count[MAX_REASONS];
	bool any[MAX_REASONS];
	bool at_least[MAX_REASONS];
};

/* Nothing but the reading of the first table. */
void expect_start(struct expected *e, const struct ctx *c, const struct table *before);
void expect_more(struct expected *e, const struct ctx *c, uint32_t reason, uint32_t n);
void expect_at_least(struct expected *e, const struct ctx *c, uint32_t reason);
void expect_any(struct expected *e, const struct ctx *c, uint32_t reason);
void expect_load(struct expected *e, const struct ctx *c, const struct load *load, uint32_t n);
enum verdict check_table(const struct table *t);
/* PASS, or FAIL with what differs. */
enum verdict check_delta(const struct ctx *c, const struct table *before, const struct table *after,
			 const struct expected *e);

/* Several loads on one vCPU: a bit of everything that the VM's flags allow. */
const char *run_mix(struct ctx *c, struct vcpu *v, unsigned int n);
void expect_mix(struct expected *e, const struct ctx *c, unsigned int vm_flags, unsigned int n);
void prepare_mix(struct ctx *c, struct vcpu *v);

/* NULL with --invasive, else why a test is skipped. */
const char *not_invasive(const struct ctx *c);
/* What a test leaves changed on the host if it does not end as it should; a signal handler may call it. */
void tests_clean_up(void);
void parameters_restore(void);

/* What a VM is answered at CPL 0 or 3 for all leaves, to stdout; works on any KVM. */
void dump_leaves(bool full, int cpl, bool beside);

/* Costs of exits to stdout; works on any KVM. Those of VMs without accounting, beside one with it, on ours alone. */
void bench(const struct vendor *vendor, unsigned int rounds, bool beside_another);
/* How long an exit of each kind takes, in TSC ticks: median and quartiles of @rounds runs (2 to MAX_ROUNDS). */
void latency(const struct vendor *vendor, unsigned int rounds);
/* How many exits a second 1, 2, ... @vcpus vCPUs of one VM have at once (at most MAX_VCPUS). */
void scaling(const struct vendor *vendor, int vcpus);

/* tests-*.c */
enum verdict test_nested(struct ctx *c, const struct test *test);
enum verdict test_emulated(struct ctx *c, const struct test *test);
enum verdict test_cpuid_faulting(struct ctx *c, const struct test *test);
enum verdict test_privilege(struct ctx *c, const struct test *test);
enum verdict test_vmm_entries(struct ctx *c, const struct test *test);
enum verdict test_real_mode(struct ctx *c, const struct test *test);
enum verdict test_failed_entry(struct ctx *c, const struct test *test);
enum verdict test_smm(struct ctx *c, const struct test *test);
enum verdict test_single_step(struct ctx *c, const struct test *test);
enum verdict test_parameter(struct ctx *c, const struct test *test);
enum verdict test_other_threads(struct ctx *c, const struct test *test);
enum verdict test_cpuid_trace(struct ctx *c, const struct test *test);
enum verdict test_sweep(struct ctx *c, const struct test *test);
enum verdict test_time_oracle(struct ctx *c, const struct test *test);
enum verdict test_halt_polling(struct ctx *c, const struct test *test);
enum verdict test_guest_tsc(struct ctx *c, const struct test *test);
enum verdict test_guest_time(struct ctx *c, const struct test *test);
enum verdict test_cpu_hog(struct ctx *c, const struct test *test);
enum verdict test_migration(struct ctx *c, const struct test *test);
enum verdict test_fast_path(struct ctx *c, const struct test *test);
enum verdict test_direct(struct ctx *c, const struct test *test);
enum verdict test_vcpu_reset(struct ctx *c, const struct test *test);
enum verdict test_reboot(struct ctx *c, const struct test *test);
enum verdict test_debugfs_clear(struct ctx *c, const struct test *test);
enum verdict test_registers(struct ctx *c, const struct test *test);
enum verdict test_undefined(struct ctx *c, const struct test *test);
enum verdict test_never_taken(struct ctx *c, const struct test *test);
enum verdict test_consecutive(struct ctx *c, const struct test *test);
enum verdict test_sum(struct ctx *c, const struct test *test);
enum verdict test_cycles(struct ctx *c, const struct test *test);
enum verdict test_load(struct ctx *c, const struct test *test);
enum verdict test_external_interrupt(struct ctx *c, const struct test *test);
enum verdict test_preemption_timer(struct ctx *c, const struct test *test);
enum verdict test_time_away(struct ctx *c, const struct test *test);
enum verdict test_immediate_exit(struct ctx *c, const struct test *test);
enum verdict test_smp(struct ctx *c, const struct test *test);
enum verdict test_smp_readers(struct ctx *c, const struct test *test);
enum verdict test_late_vcpu(struct ctx *c, const struct test *test);
enum verdict test_two_vms(struct ctx *c, const struct test *test);
enum verdict test_fresh_vm(struct ctx *c, const struct test *test);
enum verdict test_races(struct ctx *c, const struct test *test);
enum verdict test_out_of_memory(struct ctx *c, const struct test *test);
enum verdict test_kvm_exits(struct ctx *c, const struct test *test);
enum verdict test_tracepoint(struct ctx *c, const struct test *test);
enum verdict test_host_stats(struct ctx *c, const struct test *test);
enum verdict test_ext_class(struct ctx *c, const struct test *test);
enum verdict test_ext_bitmap(struct ctx *c, const struct test *test);
enum verdict test_ext_record(struct ctx *c, const struct test *test);
enum verdict test_ext_away(struct ctx *c, const struct test *test);
enum verdict test_ext_instance(struct ctx *c, const struct test *test);
enum verdict test_ext_unlisted(struct ctx *c, const struct test *test);
enum verdict test_vm_switch(struct ctx *c, const struct test *test);

#endif

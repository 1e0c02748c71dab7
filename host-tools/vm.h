/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Micro-VMs straight on /dev/kvm.  What cannot fail on a working KVM ends the program with a TAP "Bail out!",
 * so that tests read as what they check.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "guest.h"

#define MAX_VCPUS	64
#define MAX_PAGES	65536

enum vm_flags {
	VM_IRQCHIP = 1,		/* PIC, IOAPIC and LAPICs in the kernel */
	/*
	 * The highest basic leaf answers no zeros.  To an Intel guest KVM gives that for leaves that nobody has, which
	 * otherwise might look like AMD's zeros.
	 */
	VM_MARK_HIGHEST = 2,
};

struct vm;

struct vcpu {
	struct vm *vm;
	int fd;
	int id;
	struct kvm_run *run;
	/* What user space saw, by a vcpu_call() or by all so far. */
	uint64_t user_io;
	uint64_t user_hlt;
	uint64_t user_mmio;
	uint64_t windows;
	uint64_t debug_stops;
	/* What user space shall do. */
	unsigned int io_delay_us;	/* sleep in the VMM on each PORT_USER access */
	unsigned int immediate_runs;	/* so many KVM_RUNs with immediate_exit on each PORT_USER access */
	uint64_t tsc_jump;		/* move the guest's TSC by this on each PORT_USER access */
	unsigned int steps;		/* of a call: stop after each of so many instructions, as a debugger does */
	bool want_window;		/* ask for an interrupt window, and inject VECTOR_PLAIN there */
	bool may_fail;			/* a failed VM entry ends a call and is no error */
	bool may_fault;			/* a call that ends in a general protection fault is no error */
	int cpl;			/* vcpu_set_cpl() */
};

struct vm {
	int fd;
	unsigned int flags;
	int nr_vcpus;
	struct vcpu vcpus[MAX_VCPUS];
	/* For vCPUs that are still to be made: put at the end of what KVM supports. */
	const struct kvm_cpuid_entry2 *extra_cpuid;
	int nr_extra_cpuid;
	uint8_t *mem;
	uint8_t *pages;
};

/* The registers of a call; RIP is a guest_* symbol. */
struct guest_call {
	const char *rip;
	uint64_t rax, rcx, rdx, rdi, rsi, r8, r9, r10;
};

struct guest_result {
	uint64_t r9, r15;
	bool failed;		/* with may_fail */
	bool faulted;		/* with may_fault; then call vcpu_set_cpl() before the next call */
};

/* NULL, or a sentence for people: what is wrong with KVM here and what helps. */
const char *kvm_open(const char *path);
bool kvm_has(int cap);

struct vm *vm_create(unsigned int flags, int nr_vcpus);
/* KVM_CAP_EXIT_STATS with this mode, and with junk in args[1]: 0, or the errno. */
int vm_choose_mode(struct vm *vm, uint64_t mode, uint64_t junk);
/* For how many ns at most KVM polls when a vCPU has halted, from the next HLT on: 0, or the errno. */
int vm_set_halt_polling(struct vm *vm, uint64_t ns);
struct vcpu *vm_add_vcpu(struct vm *vm);
void vm_destroy(struct vm *vm);

struct guest_result vcpu_call(struct vcpu *v, struct guest_call call);
/* CPL 0 or 3, where a call may do port I/O, too.  One vCPU at a time may fault at CPL 3: they share the stack for it. */
void vcpu_set_cpl(struct vcpu *v, int cpl);
/* Real mode, but for data segments of 4 GiB; vcpu_set_cpl() leads back. */
void vcpu_set_real_mode(struct vcpu *v);
/* Both a 64-bit and a 32-bit code segment, which no processor enters; vcpu_set_cpl() leads back. */
void vcpu_set_bad_state(struct vcpu *v);
/* For VMs with one vCPU: a system management interrupt's handler is guest_smm. */
void vm_prepare_smm(struct vm *vm);
void vcpu_smi(struct vcpu *v);
/* Where the host finds the vCPU's data, and where the guest does. */
void *vcpu_data(struct vcpu *v);
uint64_t vcpu_data_gpa(struct vcpu *v);
#define VCPU_DATA_SIZE	(GUEST_VCPU_SIZE - GUEST_STACK_SIZE)
/* A vCPU as KVM has made it, and how a VMM's reboot of the guest makes it so again. */
struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	struct kvm_lapic_state lapic;
};

void vcpu_get_state(struct vcpu *v, struct vcpu_state *s);
void vcpu_set_state(struct vcpu *v, const struct vcpu_state *s);
/* Let everything that vcpu_call() needs be mapped, so that later exits are only those asked for. */
void vcpu_warm(struct vcpu *v);
/* Enable the LAPIC and its TSC-deadline timer. */
void vcpu_timer_on(struct vcpu *v);
uint64_t vcpu_tsc_khz(struct vcpu *v);
void vcpu_set_tsc_khz(struct vcpu *v, uint64_t khz);
int vcpu_stats_fd(struct vcpu *v);

/* Take the vCPU's last user away, as unplugging does. */
void vcpu_close(struct vcpu *v);
void vcpu_set_msr(struct vcpu *v, uint32_t msr, uint64_t value);
/* What KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, or of a vCPU KVM_GET_CPUID2 gives; to be freed. */
struct kvm_cpuid2 *kvm_supported_cpuid(void);
struct kvm_cpuid2 *kvm_emulated_cpuid(void);
struct kvm_cpuid2 *vcpu_cpuid(struct vcpu *v);
/* The guest's physical address of a routine of its. */
uint64_t guest_address(const char *symbol);
/* Lets pending events of the LAPIC take effect; whether the vCPU is in the state that a reset leaves. */
bool vcpu_was_reset(struct vcpu *v);
/* The guest's TSC now. */
uint64_t vcpu_tsc(struct vcpu *v);

/* Run fn(vcpu, arg) for n vCPUs at once, each in a thread of its own; the thread ids to tids unless NULL. */
void run_threads(struct vcpu **vcpus, int n, void (*fn)(struct vcpu *v, void *arg), void *arg, int *tids);

#endif

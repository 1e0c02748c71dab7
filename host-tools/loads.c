// SPDX-License-Identifier: GPL-2.0-or-later
/* What makes a guest exit, a known number of times. */
#include "tests.h"

#include <stdio.h>

#include <asm/kvm_exit_stats.h>

/* Until a timer wakes a guest: long enough to be asleep by then in the slowest emulator. */
#define WAKE_US	200

int module_parameter(const char *module, const char *name)
{
	char path[128];
	int c;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	c = getc(f);
	fclose(f);
	switch (c) {
	case 'Y':
	case '1':
		return 1;
	case 'N':
	case '0':
		return 0;
	default:
		return -1;
	}
}

static const char *run_cpuid(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = n, .r9 = 0 });
	return NULL;
}

const struct load load_cpuid = {
	.name = "cpuid", .reason = offsetof(struct vendor, cpuid), .run = run_cpuid,
};

/* A leaf that has an entry, since exitstat-check sets all that KVM supports: below 0x4FFFFF00, the cheapest kind. */
static const char *run_cpuid_hypervisor(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = n, .r9 = 0x40000000 });
	return NULL;
}

const struct load load_cpuid_hypervisor = {
	.name = "cpuid-hypervisor", .reason = offsetof(struct vendor, cpuid), .run = run_cpuid_hypervisor,
};

static const char *run_own_leaf(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = n, .r9 = KVM_EXIT_STATS_CPUID_TOTAL_CYCLES });
	return NULL;
}

const struct load load_own_leaf = {
	.name = "cpuid-own", .reason = offsetof(struct vendor, cpuid), .run = run_own_leaf,
};

static const char *run_pio_kernel(struct vcpu *v, unsigned int n)
{
	uint64_t before = v->user_io;

	vcpu_call(v, (struct guest_call){ guest_in, .rdx = PORT_PIC_MASK, .r8 = n });
	return v->user_io == before ? NULL : "KVM did not answer the port itself";
}

const struct load load_pio_kernel = {
	.name = "pio-kernel", .vm_flags = VM_IRQCHIP, .reason = offsetof(struct vendor, io), .run = run_pio_kernel,
};

static const char *run_pio_user(struct vcpu *v, unsigned int n)
{
	uint64_t before = v->user_io;
	struct guest_result r;

	r = vcpu_call(v, (struct guest_call){ guest_in, .rdx = PORT_USER, .r8 = n });
	/* User space answers 1 each time. */
	return v->user_io - before == n && r.r9 == n ? NULL : "user space did not see each access once";
}

const struct load load_pio_user = {
	.name = "pio-user", .reason = offsetof(struct vendor, io), .run = run_pio_user,
};

static const char *run_msr_write(struct vcpu *v, unsigned int n)
{
	/* 1: what it is anyway */
	vcpu_call(v, (struct guest_call){ guest_wrmsr, .rcx = MSR_POLL_CONTROL, .rax = 1, .r8 = n });
	return NULL;
}

const struct load load_msr_write = {
	.name = "msr-write", .reason = offsetof(struct vendor, msr_write), .run = run_msr_write,
};

static const char *run_msr_read(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_rdmsr, .rcx = MSR_POLL_CONTROL, .r8 = n });
	return NULL;
}

const struct load load_msr_read = {
	.name = "msr-read", .reason = offsetof(struct vendor, msr_read), .run = run_msr_read,
};

static const char *no_deadline_timer(const struct vendor *vendor)
{
	return kvm_has(KVM_CAP_TSC_DEADLINE_TIMER) ? NULL : "KVM has no TSC-deadline timer here";
}

static const char *run_tsc_deadline(struct vcpu *v, unsigned int n)
{
	/* Half a minute: not to end during the test, but within reach of VMX's preemption timer. */
	uint64_t deadline = vcpu_tsc(v) + 30000 * vcpu_tsc_khz(v);

	vcpu_call(v, (struct guest_call){ guest_wrmsr, .rcx = MSR_TSC_DEADLINE, .rax = (uint32_t)deadline,
					  .rdx = deadline >> 32, .r8 = n });
	return NULL;
}

const struct load load_tsc_deadline = {
	.name = "tsc-deadline", .vm_flags = VM_IRQCHIP, .reason = offsetof(struct vendor, msr_write),
	.unavailable = no_deadline_timer, .prepare = vcpu_timer_on, .run = run_tsc_deadline,
	/* Half a minute may not be enough for a million of them. */
	.also = { offsetof(struct vendor, preemption_timer) },
};

static const char *no_ipi_exits(const struct vendor *vendor)
{
	if (module_parameter(vendor->module, "enable_ipiv") != 1 ||
	    module_parameter(vendor->module, "enable_apicv") != 1)
		return NULL;
	return "the processor virtualises IPIs: no exits";
}

static const char *run_self_ipi(struct vcpu *v, unsigned int n)
{
	/* Physical, fixed, no shorthand: the form that has a fast path.  Interrupts are off: it stays pending. */
	vcpu_call(v, (struct guest_call){ guest_wrmsr, .rcx = MSR_X2APIC_ICR, .rax = VECTOR_IPI, .rdx = v->id,
					  .r8 = n });
	return NULL;
}

const struct load load_self_ipi = {
	.name = "self-ipi", .vm_flags = VM_IRQCHIP, .reason = offsetof(struct vendor, msr_write),
	.unavailable = no_ipi_exits, .prepare = vcpu_timer_on, .run = run_self_ipi,
};

static const char *run_hypercall(struct vcpu *v, unsigned int n)
{
	/* The other vendor's instruction works too, but KVM patches it in guest memory first. */
	const char *rip = vendor_of_host()->id == KVM_EXIT_STATS_VMX ? guest_vmcall : guest_vmmcall;

	vcpu_call(v, (struct guest_call){ rip, .r8 = n });
	return NULL;
}

const struct load load_hypercall = {
	.name = "hypercall", .reason = offsetof(struct vendor, vmcall), .run = run_hypercall,
};

const char *halt_for(struct vcpu *v, unsigned int n, uint64_t us)
{
	struct guest_result r;

	r = vcpu_call(v, (struct guest_call){ guest_hlt_timer, .r8 = n, .r9 = vcpu_tsc_khz(v) * us / 1000 });
	return r.r15 == n ? NULL : "not each HLT was ended by one timer interrupt";
}

static const char *run_hlt(struct vcpu *v, unsigned int n)
{
	return halt_for(v, n, WAKE_US);
}

const struct load load_hlt = {
	.name = "hlt", .vm_flags = VM_IRQCHIP, .reason = offsetof(struct vendor, hlt),
	/*
	 * The timer is armed and, where the processor does not do that itself, its interrupt ended.  It may come
	 * early, when the host has taken the processor away just before the HLT.
	 */
	.also = { offsetof(struct vendor, msr_write), offsetof(struct vendor, window),
		  offsetof(struct vendor, preemption_timer) },
	.unavailable = no_deadline_timer, .prepare = vcpu_timer_on, .run = run_hlt,
};

static const char *run_hlt_user(struct vcpu *v, unsigned int n)
{
	uint64_t before = v->user_hlt;

	vcpu_call(v, (struct guest_call){ guest_hlt, .r8 = n });
	return v->user_hlt - before == n ? NULL : "user space did not see each HLT once";
}

const struct load load_hlt_user = {
	.name = "hlt-user", .reason = offsetof(struct vendor, hlt), .run = run_hlt_user,
};

static const char *no_paging(const struct vendor *vendor)
{
	return module_parameter(vendor->module, vendor->paging) == 0 ?
	       "KVM runs with shadow page tables (module parameter ept or npt)" : NULL;
}

static const char *run_page_fault(struct vcpu *v, unsigned int n)
{
	/* A range for each vCPU; good for one run in a VM. */
	uint64_t first = GUEST_PAGES + (uint64_t)v->id * (MAX_PAGES / MAX_VCPUS) * 4096;

	vcpu_call(v, (struct guest_call){ guest_touch, .rdi = first, .r8 = n });
	return NULL;
}

const struct load load_page_fault = {
	.name = "page-fault", .reason = offsetof(struct vendor, page_fault), .max = MAX_PAGES / MAX_VCPUS,
	.unavailable = no_paging, .run = run_page_fault,
};

static void touch_mmio(struct vcpu *v)
{
	/* The first access tells KVM that nothing is there. */
	vcpu_call(v, (struct guest_call){ guest_load, .rdi = GUEST_MMIO, .r8 = 1 });
}

static const char *run_mmio(struct vcpu *v, unsigned int n)
{
	uint64_t before = v->user_mmio;
	struct guest_result r;

	r = vcpu_call(v, (struct guest_call){ guest_load, .rdi = GUEST_MMIO, .r8 = n });
	return v->user_mmio - before == n && r.r9 == n ? NULL : "user space did not see each access once";
}

const struct load load_mmio = {
	.name = "mmio", .reason = offsetof(struct vendor, mmio), .unavailable = no_paging, .prepare = touch_mmio,
	.run = run_mmio,
};

static const char *run_window(struct vcpu *v, unsigned int n)
{
	uint64_t before = v->windows;
	uint64_t taken = 0;
	unsigned int i;

	v->want_window = true;
	for (i = 0; i < n; i++)
		taken += vcpu_call(v, (struct guest_call){ guest_window }).r15;
	v->want_window = false;
	return v->windows - before == n && taken == n ? NULL : "not each window let one interrupt in";
}

const struct load load_window = {
	.name = "interrupt-window", .reason = offsetof(struct vendor, window), .call_each = true, .run = run_window,
	/*
	 * KVM enters with the injected interrupt, and out of caution leaves at once: by the preemption timer if it
	 * uses that, else by an interrupt from itself.
	 */
	.also = { offsetof(struct vendor, preemption_timer) },
};

static uint32_t member(const struct vendor *vendor, size_t offset)
{
	return *(const uint32_t *)((const char *)vendor + offset);
}

unsigned int load_iterations(const struct load *load, const struct ctx *c)
{
	return load->max && c->iterations > load->max ? load->max : c->iterations;
}

uint32_t load_reason(const struct load *load, const struct ctx *c)
{
	return member(c->vendor, load->reason);
}

void expect_load(struct expected *e, const struct ctx *c, const struct load *load, uint32_t n)
{
	const size_t *also;

	for (also = load->also; *also; also++)
		expect_any(e, c, member(c->vendor, *also));
	expect_more(e, c, load_reason(load, c), n);
	/* Each call's last exit. */
	expect_more(e, c, c->vendor->io, load->call_each ? n : 1);
}

/* Without the loads that leave the number of another's reason open, or an interrupt pending. */
static const struct load *const mix[] = {
	&load_cpuid, &load_pio_kernel, &load_pio_user, &load_msr_write, &load_msr_read, &load_hypercall,
	&load_hlt_user, &load_window, &load_tsc_deadline, &load_page_fault, &load_mmio,
};

static bool in_mix(const struct load *load, const struct ctx *c, unsigned int vm_flags)
{
	/* A HLT or a window reaches user space only where it also has the interrupt controllers. */
	if (load == &load_hlt_user || load == &load_window) {
		if (vm_flags & VM_IRQCHIP)
			return false;
	}
	if (load->unavailable && load->unavailable(c->vendor))
		return false;
	return !(load->vm_flags & ~vm_flags);
}

#define for_each_in_mix(i, c, flags)					\
	for (i = 0; i < sizeof(mix) / sizeof(mix[0]); i++)		\
		if (in_mix(mix[i], c, flags))

static unsigned int mix_iterations(const struct load *load, unsigned int n)
{
	return load->max && n > load->max ? load->max : n;
}

void prepare_mix(struct ctx *c, struct vcpu *v)
{
	size_t i;

	for_each_in_mix(i, c, v->vm->flags)
		if (mix[i]->prepare)
			mix[i]->prepare(v);
}

const char *run_mix(struct ctx *c, struct vcpu *v, unsigned int n)
{
	const char *error;
	size_t i;

	for_each_in_mix(i, c, v->vm->flags) {
		error = mix[i]->run(v, mix_iterations(mix[i], n));
		if (error)
			return error;
	}
	return NULL;
}

void expect_mix(struct expected *e, const struct ctx *c, unsigned int vm_flags, unsigned int n)
{
	size_t i;

	for_each_in_mix(i, c, vm_flags)
		expect_load(e, c, mix[i], mix_iterations(mix[i], n));
}

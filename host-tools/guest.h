/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest code and the host agree on. */
#ifndef GUEST_H
#define GUEST_H

/* Guest-physical, and because of an identity mapping also guest-virtual addresses. */
#define GUEST_PML4		0x1000
#define GUEST_PDPT		0x2000
#define GUEST_PD		0x3000
#define GUEST_GDT		0x4000
#define GUEST_IDT		0x5000
#define GUEST_TSS		0x6000		/* the rest of its page: stack of exceptions at CPL 3 */
#define GUEST_CODE		0x7000
#define GUEST_VCPUS		0x10000		/* one GUEST_VCPU_SIZE for each vCPU */
#define GUEST_VCPU_SIZE		0x10000		/* first page: stack, the rest: data */
#define GUEST_STACK_SIZE	0x1000
#define GUEST_SMM		0x38000		/* where processors enter system management mode: the third vCPU's */
#define GUEST_PAGES		0x1000000	/* the never-touched pages */
#define GUEST_MMIO		0x38000000	/* mapped by the guest, nothing there */

/* Ports that no device in KVM listens to. */
#define PORT_DONE		0x505
#define PORT_EXCEPTION		0x506
#define PORT_USER		0x507
/* What PORT_EXCEPTION says: a vector, or one of these. */
#define EXCEPTION_OTHER		255
#define EXCEPTION_INTERRUPT	254		/* an interrupt that interrupts were off for */

/* A port inside KVM, once there is an in-kernel irqchip: the mask of the first PIC. */
#define PORT_PIC_MASK		0x21

/* Vectors below: guest_isr; from here on: guest_isr_apic, which ends the interrupt at the LAPIC. */
#define VECTOR_PLAIN		0x40
#define VECTOR_APIC		0x80
#define VECTOR_TIMER		0xe0
#define VECTOR_IPI		0xe1

#define RFLAGS_IF		0x200

#define MSR_TSC			0x10
#define MSR_MISC_FEATURES	0x140		/* bit 0: CPUID faults above CPL 0 */
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SVR		0x80f
#define MSR_X2APIC_ICR		0x830
#define MSR_X2APIC_LVTT		0x832
#define MSR_POLL_CONTROL	0x4b564d05	/* KVM's own, so no processor lets a guest at it */

/* What guest_vmrun shares with the host, in the vCPU's data: addresses are relative to it. */
#define NESTED_L1_VMCB		0x1000
#define NESTED_L2_VMCB		0x2000
#define NESTED_L2_STACK		0x4000
#define NESTED_L2_DATA		0x4000

#define GUEST_POISON		0x5a5a5a5a
#define GUEST_NO_HYPERCALL	0x7fff

#ifndef __ASSEMBLER__

extern const char guest_start[], guest_end[];
extern const char guest_cpuid[], guest_cpuid_emulated[], guest_cpuid_loop[], guest_in[], guest_out[], guest_load[];
extern const char guest_in_cpuid[], guest_wrmsr_cpuid[], guest_vmcall_cpuid[], guest_vmmcall_cpuid[], guest_touch_cpuid[], guest_wrmsr[], guest_rdmsr[], guest_vmcall[], guest_vmmcall[];
extern const char guest_hlt_timer[], guest_hlt_cpuid[], guest_spin_timer[], guest_hlt[], guest_hlt_wake[], guest_window[];
extern const char guest_spin[], guest_touch[], guest_warm[], guest_nothing[];
extern const char guest_vmrun[], guest_l2[], guest_real[], guest_smm[], guest_smm_end[];
extern const char guest_isr[], guest_isr_apic[], guest_exception[], guest_protection[];

#endif
#endif

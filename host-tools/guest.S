/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the micro-VMs run: position-independent 64-bit code, copied to GUEST_CODE.  The host points RIP at
 * a routine and passes its arguments in registers.  Each routine ends with one OUT to PORT_DONE, so that a
 * call is known to cost exactly one port I/O exit on top of what the routine is made to do.
 */
#include <asm/kvm_exit_stats.h>

#include "guest.h"

	.section .rodata
	.code64

/* A struct leaf_read at the address in a register, which is moved on to the next. */
	.macro	read_leaf at, emulated
	movl	(\at), %eax
	movl	4(\at), %ecx
	movl	$GUEST_POISON, %ebx	/* a register that CPUID leaves alone must not look like a zero */
	movl	%ebx, %edx
	.ifnb	\emulated
	ud2
	.ascii	"kvm"
	.endif
	cpuid
	movl	%eax, 8(\at)
	movl	%ebx, 12(\at)
	movl	%ecx, 16(\at)
	movl	%edx, 20(\at)
	addq	$24, \at
	.endm

	.globl guest_start, guest_end

guest_start:

/* RDI: array of struct leaf_read, R8: its length. */
	.globl guest_cpuid
guest_cpuid:
	read_leaf %rdi
	decq	%r8
	jnz	guest_cpuid
	jmp	done

/* The same, with the prefix that makes KVM emulate the instruction (its parameter force_emulation_prefix). */
	.globl guest_cpuid_emulated
guest_cpuid_emulated:
	read_leaf %rdi, emulated
	decq	%r8
	jnz	guest_cpuid_emulated
	jmp	done

/*
 * The same, each CPUID after a port read (R9: port), an MSR write (R9: MSR, R10: upper half of the value, 1 the lower),
 * a hypercall, or a store to a page that is not there yet (RSI: the first one).
 */
	.globl guest_in_cpuid
guest_in_cpuid:
	movl	%r9d, %edx
	inb	%dx, %al
	read_leaf %rdi
	decq	%r8
	jnz	guest_in_cpuid
	jmp	done

	.globl guest_wrmsr_cpuid
guest_wrmsr_cpuid:
	movl	%r9d, %ecx
	movl	$1, %eax
	movl	%r10d, %edx
	wrmsr
	read_leaf %rdi
	decq	%r8
	jnz	guest_wrmsr_cpuid
	jmp	done

	.globl guest_vmcall_cpuid
guest_vmcall_cpuid:
	movl	$GUEST_NO_HYPERCALL, %eax
	vmcall
	read_leaf %rdi
	decq	%r8
	jnz	guest_vmcall_cpuid
	jmp	done

	.globl guest_vmmcall_cpuid
guest_vmmcall_cpuid:
	movl	$GUEST_NO_HYPERCALL, %eax
	vmmcall
	read_leaf %rdi
	decq	%r8
	jnz	guest_vmmcall_cpuid
	jmp	done

	.globl guest_touch_cpuid
guest_touch_cpuid:
	movb	$1, (%rsi)
	addq	$4096, %rsi
	read_leaf %rdi
	decq	%r8
	jnz	guest_touch_cpuid
	jmp	done

/* R9: leaf, R10: sub-leaf, R8: how many times. */
	.globl guest_cpuid_loop
guest_cpuid_loop:
	movl	%r9d, %eax
	movl	%r10d, %ecx
	cpuid
	decq	%r8
	jnz	guest_cpuid_loop
	jmp	done

/* RDX: port, R8: how many times; answers the sum of the bytes in R9. */
	.globl guest_in
guest_in:
	xorl	%eax, %eax
	inb	%dx, %al
	addq	%rax, %r9
	decq	%r8
	jnz	guest_in
	jmp	done

/* RDX: port, AL: byte, R8: how many times. */
	.globl guest_out
guest_out:
	outb	%al, %dx
	decq	%r8
	jnz	guest_out
	jmp	done

/* RDI: address, R8: how many times; answers the sum of the bytes in R9. */
	.globl guest_load
guest_load:
	movzbl	(%rdi), %eax
	addq	%rax, %r9
	decq	%r8
	jnz	guest_load
	jmp	done

/* RCX: MSR, EDX:EAX: value, R8: how many times. */
	.globl guest_wrmsr
guest_wrmsr:
	wrmsr
	decq	%r8
	jnz	guest_wrmsr
	jmp	done

	.globl guest_rdmsr
guest_rdmsr:
	rdmsr
	decq	%r8
	jnz	guest_rdmsr
	jmp	done

/* R8: how many times. */
	.globl guest_vmcall
guest_vmcall:
	movl	$GUEST_NO_HYPERCALL, %eax
	vmcall
	decq	%r8
	jnz	guest_vmcall
	jmp	done

	.globl guest_vmmcall
guest_vmmcall:
	movl	$GUEST_NO_HYPERCALL, %eax
	vmmcall
	decq	%r8
	jnz	guest_vmmcall
	jmp	done

/* R8: how many times; R9: TSC ticks until the LAPIC timer wakes this processor. */
	.globl guest_hlt_timer
guest_hlt_timer:
	call	arm_timer
	sti
hlt_for_timer:
	hlt				/* STI's shadow: no interrupt between the two */
	cli
	decq	%r8
	jnz	guest_hlt_timer
	jmp	done

/* RDI, R8: as guest_cpuid's; each CPUID after a HLT as guest_hlt_timer's. */
	.globl guest_hlt_cpuid
guest_hlt_cpuid:
	call	arm_timer
	sti
hlt_before_read:
	hlt
	cli
	read_leaf %rdi
	decq	%r8
	jnz	guest_hlt_cpuid
	jmp	done

/* As guest_hlt_timer, but stays in the guest until the interrupt has come. */
	.globl guest_spin_timer
guest_spin_timer:
	movq	%r15, %rbx
	call	arm_timer
	sti
1:	pause
	cmpq	%r15, %rbx
	je	1b
	cli
	decq	%r8
	jnz	guest_spin_timer
	jmp	done

arm_timer:
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	addq	%r9, %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$MSR_TSC_DEADLINE, %ecx
	wrmsr
	ret

/* R8: how many times.  For VMs whose user space wakes it. */
	.globl guest_hlt
guest_hlt:
	hlt
	decq	%r8
	jnz	guest_hlt
	jmp	done

/* R8: how many times.  For VMs with the kernel's irqchip, where somebody sends an interrupt for each HLT. */
	.globl guest_hlt_wake
guest_hlt_wake:
	sti
	hlt				/* STI's shadow: no interrupt between the two */
	cli
	decq	%r8
	jnz	guest_hlt_wake
	jmp	done

/* Opens the interrupt window once. */
	.globl guest_window
guest_window:
	sti
	nop
	nop
	cli
	jmp	done

/*
 * R8: TSC ticks to stay in the guest.  With interrupts on, although none is for the guest: Bochs 2.7 holds the
 * host's back as long as the guest has them off.
 */
	.globl guest_spin
guest_spin:
	sti
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	leaq	(%rax, %r8), %rcx
1:	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%rcx, %rax
	jb	1b
	cli
	jmp	done

/*
 * RDI: first page, R8: how many pages.  A plain store, so that a page which is not there faults once, for
 * writing.
 */
	.globl guest_touch
guest_touch:
	movb	$1, (%rdi)
	addq	$4096, %rdi
	decq	%r8
	jnz	guest_touch
	jmp	done

/* As guest_touch, for pages whose contents matter. */
	.globl guest_warm
guest_warm:
	movb	(%rdi), %al
	movb	%al, (%rdi)
	addq	$4096, %rdi
	decq	%r8
	jnz	guest_warm
	/* fall through */

	.globl guest_nothing
guest_nothing:
done:
	movl	$PORT_DONE, %edx
	outb	%al, %dx
	ud2

/*
 * The interrupt handlers count in R15, which nothing else uses.
 *
 * QEMU's SVM may deliver one that KVM injects twice: VMRUN leaves it pending for when the emulator next leaves its loop
 * for a reason other than an exit (seen in 7.2).  That is in the handler, with interrupts off: guest_isr_apic has an
 * exit before its end, and for what guest_isr is for, KVM forces one as it injects.  R13 says whether the host has an SVM
 * that may be QEMU's: elsewhere it is KVM's fault.
 */
	.macro	count_interrupt
	testl	$RFLAGS_IF, 16(%rsp)
	jz	interrupted_twice
	incq	%r15
	.endm

	.globl guest_isr
guest_isr:
	count_interrupt
	iretq

interrupted_twice:
	testl	%r13d, %r13d
	jz	guest_interrupt
	iretq

	.globl guest_isr_apic
guest_isr_apic:
	count_interrupt
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	movl	$MSR_X2APIC_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	/*
	 * An emulated host may forget STI's shadow when an exit falls into it (QEMU's SVM does): the timer has
	 * come before the HLT, which nothing would end.  Once more.
	 */
	leaq	hlt_for_timer(%rip), %rax
	cmpq	%rax, 24(%rsp)
	je	2f
	leaq	hlt_before_read(%rip), %rax
	cmpq	%rax, 24(%rsp)
	jne	1f
2:	decq	%r15
	call	arm_timer
1:	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

/*
 * L1 of a nested guest on AMD: RDI: its data, R8: how many CPUIDs L2 executes, R9: whether L1 intercepts them (the
 * host has said so in the VMCB).  L2 is guest_l2, whose VMMCALL ends it.  Answers the number of #VMEXITs in R9.
 * In L2's R8, R9 and RDI, which the processor does not switch, L1 passes what L2 needs.
 */
	.globl guest_vmrun
guest_vmrun:
	movl	$0xc0000080, %ecx	/* EFER.SVME */
	rdmsr
	orl	$0x1000, %eax
	wrmsr
	movl	$0xc0010117, %ecx	/* VM_HSAVE_PA */
	leaq	NESTED_L1_VMCB(%rdi), %rax
	xorl	%edx, %edx
	wrmsr
	leaq	NESTED_L2_DATA(%rdi), %rsi
	xorl	%r9d, %r9d
1:	leaq	NESTED_L2_VMCB(%rdi), %rax
	vmrun	%rax
	incq	%r9
	movq	NESTED_L2_VMCB + 0x70(%rdi), %rax	/* EXITCODE */
	cmpq	$0x72, %rax
	jne	2f
	/* Answer what L1 itself has counted, and go on behind the instruction. */
	movq	%r9, NESTED_L2_VMCB + 0x5f8(%rdi)
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	addq	$2, NESTED_L2_VMCB + 0x578(%rdi)
	jmp	1b
2:	movq	%rax, %r15
	jmp	done

/* RSI: array of struct leaf_read, R8: its length. */
	.globl guest_l2
guest_l2:
	read_leaf %rsi
	decq	%r8
	jnz	guest_l2
	vmmcall
	ud2

/* For a vCPU in real mode.  EDI: array of uint32_t, ESI: its length: reads of the total. */
	.code16
	.globl guest_real
guest_real:
	movl	$KVM_EXIT_STATS_CPUID_TOTAL_COUNT, %eax
	cpuid
	movl	%eax, (%edi)
	addl	$4, %edi
	decl	%esi
	jnz	guest_real
	movw	$PORT_DONE, %dx
	outb	%al, %dx
	hlt

/* For system management mode, EDI as above: one read of the total. */
	.globl guest_smm, guest_smm_end
guest_smm:
	movl	$KVM_EXIT_STATS_CPUID_TOTAL_COUNT, %eax
	cpuid
	movl	%eax, (%edi)
	rsm
guest_smm_end:
	.code64

/* A general protection fault, which some tests expect. */
	.globl guest_protection
guest_protection:
	movb	$13, %al
	jmp	1f

/* Any other: no routine should raise one. */
	.globl guest_exception
guest_exception:
	movb	$EXCEPTION_OTHER, %al
	jmp	1f

guest_interrupt:
	movb	$EXCEPTION_INTERRUPT, %al
1:	movl	$PORT_EXCEPTION, %edx
	outb	%al, %dx
	ud2

guest_end:

	.section .note.GNU-stack, "", @progbits

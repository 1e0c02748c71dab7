/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * count-cpuid: executes exactly 10000 CPUIDs and ends. Without a C library, which executes
 * some of its own before main().
 */
	.globl _start
_start:
	movl	$10000, %r12d
1:	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	decl	%r12d
	jnz	1b

	xorl	%edi, %edi
	movl	$60, %eax		/* exit */
	syscall

	.section .note.GNU-stack, "", @progbits

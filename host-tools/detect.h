/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DETECT_H
#define DETECT_H

#include <stdint.h>

/* What a guest is on, by docs/abi.md section 4. */
enum accounting {
	ACCOUNTING_NONE,
	ACCOUNTING_OTHER,	/* another of the public numberings of these leaves */
	ACCOUNTING_REQUIRED,	/* the required leaves alone */
	ACCOUNTING_EXTENDED,
};

/* From the registers of leaf 0x4FFFFF00 (EBX, ECX, EDX) and EDX of FC, FD, FE, FF with an undefined ECX. */
enum accounting detect(const uint32_t signature[3], const uint32_t edx[4]);

#endif

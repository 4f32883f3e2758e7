# What a hard disk's BIOS starts: takes bytes from COM2 and answers each with the next one; q powers q35 off.
    .section .rodata
    .global kiln_com2_sector, kiln_com2_sector_end
kiln_com2_sector:
    .code16
1:  mov $0x2fd, %dx
2:  in %dx, %al
    test $1, %al
    jz 2b
    mov $0x2f8, %dx
    in %dx, %al
    cmp $'q', %al
    je 3f
    inc %al
    out %al, %dx
    jmp 1b
3:  mov $0x604, %dx
    mov $0x2000, %ax
    out %ax, %dx
4:  hlt
    jmp 4b
    .org kiln_com2_sector + 510
    .word 0xaa55
kiln_com2_sector_end:
    .section .note.GNU-stack, "", @progbits

// What a CD's firmware starts: waits for a key, says so on the serial port, and powers q35 off. It runs
// wherever it was loaded.
    .section .rodata
    .global kiln_boot_sector, kiln_boot_sector_end
kiln_boot_sector:
    .code16
    mov $0, %ah
    int $0x16
    call 1f
1:  pop %si
    add $(words - 1b), %si
    mov $0x3f8, %dx
2:  lodsb %cs:(%si), %al
    test %al, %al
    jz 3f
    out %al, %dx
    jmp 2b
3:  mov $0x604, %dx
    mov $0x2000, %ax
    out %ax, %dx
4:  hlt
    jmp 4b
words:
    .asciz "fake installer: started by a key\r\nfake installer: done\r\n"
    .org kiln_boot_sector + 2048
kiln_boot_sector_end:
    .section .note.GNU-stack, "", @progbits

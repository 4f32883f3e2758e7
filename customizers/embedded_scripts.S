// Programs for Windows, as data of the library. The assembler finds them from the root of the sources.
        .section .rodata
        .globl kiln_windows_update_begin
        .hidden kiln_windows_update_begin
        .globl kiln_windows_update_end
        .hidden kiln_windows_update_end
kiln_windows_update_begin:
        .incbin "customizers/windows_update/windows_update.ps1"
kiln_windows_update_end:
        .section .note.GNU-stack, "", %progbits

// The static keeper, as data of the library.
        .section .rodata
        .balign 16
        .globl kiln_embedded_vm_keeper_begin
        .globl kiln_embedded_vm_keeper_end
        .hidden kiln_embedded_vm_keeper_begin
        .hidden kiln_embedded_vm_keeper_end
kiln_embedded_vm_keeper_begin:
        .incbin KILN_KEEPER_FILE
kiln_embedded_vm_keeper_end:
        .section .note.GNU-stack, "", %progbits

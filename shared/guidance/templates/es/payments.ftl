# Pagos de un pedido. Cada parte lo dice todo por sí sola, en texto sin formato.

payment-reminder =
    .title = Pague { $amount } para completar su pedido
    .text =
        Su pedido { $order } está pendiente de un pago de { $amount }.

        Puede pagar hasta el { $expires_at }. Después, el pedido se cerrará. Si acaba de pagar, no tiene que hacer nada.{ $pay_link ->
            [none] { "" }
           *[other] { " " }Pague aquí: { $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }También puede pagar con tarjeta.
            [wallet] { " " }También puede pagar con un monedero electrónico.
            [bank_transfer] { " " }También puede pagar por transferencia bancaria.
           *[other] { " " }También puede pagar por otro medio.
        }
    .alternative = Pedido { $order }: pague { $amount } antes del { $expires_at }. Si acaba de pagar, no tiene que hacer nada.{ $pay_link ->
            [none] { "" }
           *[other] { " " }Pague aquí: { $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }También con tarjeta.
            [wallet] { " " }También con monedero electrónico.
            [bank_transfer] { " " }También por transferencia bancaria.
           *[other] { " " }También por otro medio.
        }

payment-confirming =
    .title = Estamos confirmando su pago. No vuelva a pagar
    .text =
        Estamos confirmando su pago de { $amount } por el pedido { $order }.

        No vuelva a pagar. Le avisaremos en cuanto sepamos más.
    .alternative = Pedido { $order }: estamos confirmando su pago de { $amount }. No vuelva a pagar. Le avisaremos en cuanto sepamos más.

payment-declined =
    .title = Su pago ha sido rechazado
    .text =
        Su banco o su proveedor de pagos ha rechazado el pago de su pedido { $order }. No se le ha cobrado nada.

        Puede pagar { $amount } con otro método de pago hasta el { $expires_at }. Su banco puede darle más información.
    .alternative = Pedido { $order }: pago rechazado, no se le ha cobrado nada. Puede pagar { $amount } con otro método hasta el { $expires_at }. Su banco puede darle más información.

payment-declined-try-again =
    .title = Su pago no se ha realizado. Inténtelo de nuevo
    .text =
        El pago de su pedido { $order } no se ha realizado. No se le ha cobrado nada.

        Inténtelo de nuevo. Puede pagar { $amount }, con el mismo método o con otro, hasta el { $expires_at }.
    .alternative = Pedido { $order }: el pago no se ha realizado y no se le ha cobrado nada. Inténtelo de nuevo. Puede pagar { $amount } hasta el { $expires_at }.

payment-declined-try-later =
    .title = Su pago no se ha realizado. Inténtelo más tarde
    .text =
        No hemos podido contactar con el banco, por lo que el pago de su pedido { $order } no se ha realizado. No se le ha cobrado nada y su tarjeta funciona bien.

        Inténtelo de nuevo dentro de unos minutos o use otro método de pago. Puede pagar { $amount } hasta el { $expires_at }.
    .alternative = Pedido { $order }: el banco no responde y no se le ha cobrado nada. Inténtelo dentro de unos minutos. Puede pagar { $amount } hasta el { $expires_at }.

payment-declined-check-details =
    .title = Compruebe sus datos de pago
    .text =
        El pago de su pedido { $order } ha sido rechazado porque algunos datos no coinciden. No se le ha cobrado nada.

        Compruebe el número, la fecha de caducidad, el código de seguridad y la dirección, e inténtelo de nuevo. Puede pagar { $amount } hasta el { $expires_at }.
    .alternative = Pedido { $order }: pago rechazado. Compruebe el número, la caducidad, el código de seguridad y la dirección. Puede pagar { $amount } hasta el { $expires_at }.

payment-declined-check-funds =
    .title = Su pago ha sido rechazado
    .text =
        El pago de su pedido { $order } ha sido rechazado por el saldo o por un límite de su cuenta. No se le ha cobrado nada.

        Use otro método de pago o inténtelo de nuevo cuando el dinero esté disponible. Puede pagar { $amount } hasta el { $expires_at }.
    .alternative = Pedido { $order }: pago rechazado por el saldo o por un límite. Puede pagar { $amount }, con este método o con otro, hasta el { $expires_at }.

payment-declined-confirm =
    .title = Confirme el pago con su banco
    .text =
        Su banco le pide que confirme el pago de su pedido { $order }. Todavía no se le ha cobrado nada.

        Vuelva a pagar y confirme el pago en la aplicación de su banco o como este se lo indique. Puede pagar { $amount } hasta el { $expires_at }.
    .alternative = Pedido { $order }: su banco le pide que confirme el pago. Vuelva a pagar { $amount } y confírmelo con su banco antes del { $expires_at }.

payment-declined-other-method =
    .title = Use otro método de pago
    .text =
        El pago de su pedido { $order } ha sido rechazado y no puede hacerse de esta manera. No se le ha cobrado nada.

        Use otro método de pago. Puede pagar { $amount } hasta el { $expires_at }.
    .alternative = Pedido { $order }: pago rechazado, no se le ha cobrado nada. Pague { $amount } con otro método antes del { $expires_at }.

payment-partial =
    .title = Quedan { $amount } por pagar de su pedido
    .text =
        Hemos recibido { $paid } por su pedido { $order }. Quedan { $amount } por pagar.

        Puede pagar el resto hasta el { $expires_at }. Si no, el pedido se cerrará y le devolveremos lo que ha pagado.
    .alternative = Pedido { $order }: hemos recibido { $paid }. Pague los { $amount } restantes antes del { $expires_at }. Si no, le devolveremos lo pagado.

payment-disputed =
    .title = Su banco está examinando un pago
    .text =
        Su banco está examinando { $amount } que usted pagó por el pedido { $order }.

        Hasta que decida, no podemos reembolsar este dinero. Su banco le comunicará su decisión.
    .alternative = Pedido { $order }: su banco está examinando un pago de { $amount }. No podemos reembolsarlo hasta que el banco decida.

late-payment-refunded =
    .title = Su pago ha llegado tarde y se lo devolvemos
    .text =
        Su pago de { $amount } por el pedido { $order } llegó cuando el pedido ya estaba cerrado.

        Se lo estamos reembolsando por el mismo método de pago. Su banco puede tardar unos días en mostrarlo. No tiene que hacer nada.
    .alternative = Pedido { $order }: su pago de { $amount } llegó con el pedido ya cerrado. Se lo estamos reembolsando. No tiene que hacer nada.

duplicate-payment-refunded =
    .title = Ha pagado dos veces y le devolvemos un pago
    .text =
        Su pedido { $order } ya estaba pagado cuando recibimos otros { $amount }.

        Su pedido no se ve afectado. Le estamos reembolsando el segundo pago por el mismo método de pago. No tiene que hacer nada.
    .alternative = Pedido { $order }: recibimos otros { $amount } cuando ya estaba pagado. Se los estamos reembolsando. Su pedido no se ve afectado y no tiene que hacer nada.

overpayment-refunded =
    .title = Ha pagado de más y le devolvemos el resto
    .text =
        Ha pagado { $amount } de más por su pedido { $order }.

        Su pedido no se ve afectado. Le estamos reembolsando el exceso por el mismo método de pago. No tiene que hacer nada.
    .alternative = Pedido { $order }: ha pagado { $amount } de más. Se los estamos reembolsando. Su pedido no se ve afectado y no tiene que hacer nada.

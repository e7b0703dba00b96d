# Payments of an order. Every part says all of it by itself, in plain text.

payment-reminder =
    .title = Please pay { $amount } for your order
    .text =
        Your order { $order } is waiting for your payment of { $amount }.

        Please pay by { $expires_at }. After that the order is closed. If you have just paid, you need to do nothing.{ $pay_link ->
            [none] { "" }
           *[other] { " " }Pay here: { $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }You can also pay by card.
            [wallet] { " " }You can also pay by wallet.
            [bank_transfer] { " " }You can also pay by bank transfer.
           *[other] { " " }You can also pay by another method.
        }
    .alternative = Order { $order }: please pay { $amount } by { $expires_at }. If you have just paid, you need to do nothing.{ $pay_link ->
            [none] { "" }
           *[other] { " " }Pay here: { $pay_link }
        }{ $other_method ->
            [none] { "" }
            [card] { " " }You can also pay by card.
            [wallet] { " " }You can also pay by wallet.
            [bank_transfer] { " " }You can also pay by bank transfer.
           *[other] { " " }You can also pay by another method.
        }

payment-confirming =
    .title = We are confirming your payment. Please do not pay again
    .text =
        Your payment of { $amount } for order { $order } is being confirmed.

        Please do not pay again. We will tell you as soon as we know more.
    .alternative = Order { $order }: your payment of { $amount } is being confirmed. Please do not pay again. We will tell you as soon as we know more.

payment-declined =
    .title = Your payment was declined
    .text =
        Your bank or payment provider declined the payment for your order { $order }. Nothing was charged.

        You can use another payment method for { $amount } until { $expires_at }. Your bank can tell you more.
    .alternative = Order { $order }: your payment was declined and nothing was charged. You can pay { $amount } by another method until { $expires_at }. Your bank can tell you more.

payment-declined-try-again =
    .title = Your payment did not go through. Please try again
    .text =
        The payment for your order { $order } did not go through. Nothing was charged.

        Please try again. You can pay { $amount } until { $expires_at }, by the same or another method.
    .alternative = Order { $order }: your payment did not go through and nothing was charged. Please try again: you can pay { $amount } until { $expires_at }.

payment-declined-try-later =
    .title = Your payment did not go through. Please try again later
    .text =
        The bank could not be reached, so the payment for your order { $order } did not go through. Nothing was charged, and nothing is wrong with your card.

        Please try again in a few minutes, or use another payment method. You can pay { $amount } until { $expires_at }.
    .alternative = Order { $order }: the bank could not be reached and nothing was charged. Please try again in a few minutes: you can pay { $amount } until { $expires_at }.

payment-declined-check-details =
    .title = Please check your payment details
    .text =
        The payment for your order { $order } was declined because some of the details do not match. Nothing was charged.

        Please check the number, the expiry date, the security code and the address, and try again. You can pay { $amount } until { $expires_at }.
    .alternative = Order { $order }: your payment was declined. Please check the card number, expiry date, security code and address. You can pay { $amount } until { $expires_at }.

payment-declined-check-funds =
    .title = Your payment was declined
    .text =
        The payment for your order { $order } was declined because of the balance or a limit of your account. Nothing was charged.

        Please use another payment method, or try again when the money is available. You can pay { $amount } until { $expires_at }.
    .alternative = Order { $order }: your payment was declined because of the balance or a limit. You can pay { $amount } by this or another method until { $expires_at }.

payment-declined-confirm =
    .title = Please confirm your payment with your bank
    .text =
        Your bank asks you to confirm the payment for your order { $order }. Nothing was charged yet.

        Please pay again and confirm the payment in your bank's app or as your bank asks you to. You can pay { $amount } until { $expires_at }.
    .alternative = Order { $order }: your bank asks you to confirm the payment. Please pay { $amount } again and confirm it with your bank by { $expires_at }.

payment-declined-other-method =
    .title = Please use another payment method
    .text =
        The payment for your order { $order } was declined. It cannot be made in this way. Nothing was charged.

        Please use another payment method. You can pay { $amount } until { $expires_at }.
    .alternative = Order { $order }: your payment was declined and nothing was charged. Please pay { $amount } by another method until { $expires_at }.

payment-partial =
    .title = { $amount } is still to be paid for your order
    .text =
        We have received { $paid } for your order { $order }. { $amount } is still to be paid.

        Please pay the rest by { $expires_at }. Otherwise the order is closed and what you paid goes back to you.
    .alternative = Order { $order }: we received { $paid }. Please pay the remaining { $amount } by { $expires_at }, or what you paid goes back to you.

payment-disputed =
    .title = Your bank is examining a payment
    .text =
        Your bank is examining { $amount } that you paid for order { $order }.

        Until it has decided, we cannot refund this money. Your bank will tell you what it decides.
    .alternative = Order { $order }: your bank is examining a payment of { $amount }. We cannot refund it until the bank has decided.

late-payment-refunded =
    .title = Your payment came too late and goes back to you
    .text =
        Your payment of { $amount } for order { $order } came after the order was closed.

        We are refunding it to the payment method that you used. Your bank may take a few days to show it. You need to do nothing.
    .alternative = Order { $order }: your payment of { $amount } came after the order was closed. We are refunding it. You need to do nothing.

duplicate-payment-refunded =
    .title = You paid twice, and one payment goes back to you
    .text =
        Your order { $order } was already paid when we received another { $amount } for it.

        Your order is not affected. We are refunding the second payment to the payment method that you used. You need to do nothing.
    .alternative = Order { $order }: we received another { $amount } after it was paid. We are refunding it. Your order is not affected, and you need to do nothing.

overpayment-refunded =
    .title = You paid too much, and the rest goes back to you
    .text =
        You paid { $amount } more than was due for your order { $order }.

        Your order is not affected. We are refunding the excess to the payment method that you used. You need to do nothing.
    .alternative = Order { $order }: you paid { $amount } too much. We are refunding it. Your order is not affected, and you need to do nothing.
